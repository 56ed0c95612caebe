import { describeFaults } from './fault-matrix.ts';

describeFaults('preflight');
