# What a node can say of itself before anything is changed. Changes nothing. Stands after this-node.sh and node-state.sh, in
# parts: survey-machine, survey-packages, survey-kubernetes, survey-etcd. Prints lines "survey.KEY<TAB>FIELD…", read by
# parseSurvey (src/node/parse-survey.ts); the first says the format and the last that nothing is missing.
tell survey.begin 1 "$(date +%s)"
