// etcd, etcdctl and etcdutl in one binary, told apart by the name it is called by.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/etcd/etcdctl/v3/ctlv3"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"lab/programs/etcdutl"
)

func main() {
	switch name := filepath.Base(os.Args[0]); name {
	case "etcd":
		etcdmain.Main(os.Args)
	case "etcdctl":
		ctlv3.MustStart()
	case "etcdutl":
		if err := etcdutl.Start(); err != nil {
			os.Exit(1)
		}
	default:
		fmt.Fprintf(os.Stderr, "%q is none of etcd, etcdctl and etcdutl\n", name)
		os.Exit(64)
	}
}
