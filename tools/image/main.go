// Command image makes Flyball's OCI image from programs that are built already: no Docker,
// no root, no base image, no network unless it is to be pushed.
//
//	image -version v1 -out dist/image.tar amd64=bin/amd64/flyball-server arm64=…
//	image -version v1 -push REGISTRY/flyball:v1 amd64=bin/amd64/flyball-server
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("image: ")
	version := flag.String("version", "dev", "what the image says it is")
	out := flag.String("out", "", "OCI layout to write, as a tar file")
	push := flag.String("push", "", "REGISTRY/NAME:TAG to push to, with the credentials of docker login")
	flag.Parse()
	if err := run(*version, *out, *push, flag.Args()); err != nil {
		log.Fatal(err)
	}
}

func run(version, out, push string, args []string) error {
	if out == "" && push == "" || len(args) == 0 {
		return errors.New("give -out FILE or -push NAME, and a program for each architecture: amd64=FILE")
	}
	programs := map[string]string{}
	for _, a := range args {
		arch, file, ok := strings.Cut(a, "=")
		if !ok {
			return fmt.Errorf("%q: want ARCHITECTURE=FILE, as in amd64=bin/flyball-server", a)
		}
		programs[arch] = file
	}
	index, err := build(version, programs)
	if err != nil {
		return err
	}
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	if out != "" {
		if err := save(index, out, version); err != nil {
			return fmt.Errorf("writing %s: %w", out, err)
		}
		fmt.Printf("%s %s\n", out, digest)
	}
	if push != "" {
		if err := send(index, push, remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
			return fmt.Errorf("pushing to %s: %w", push, err)
		}
		fmt.Fprintf(os.Stdout, "%s@%s\n", push, digest)
	}
	return nil
}

func send(index v1.ImageIndex, to string, options ...remote.Option) error {
	ref, err := name.ParseReference(to)
	if err != nil {
		return err
	}
	return remote.WriteIndex(ref, index, options...)
}
