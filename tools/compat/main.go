// Command compat runs the rehearsals of examples/ on other versions of KEDA and Kubernetes
// than the lab's, and writes down what held: results.json beside it, docs/compat.md and the
// README's matrix. A cell that has a result is not run again: take it out of results.json
// for that. What was built is kept, so that it can be stopped at any time.
//
//	compat -root .                             # all that has no result
//	compat -root . keda=2.20.2 kubernetes=1.36.3
//	compat -root . -write                      # the pages alone, from the results
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The rows and columns of the matrix: of each minor version the newest release that is a Go
// module.
var (
	kedas      = []string{"2.21.0", "2.20.2", "2.16.1"}
	kubernetes = []string{"1.37.2", "1.36.3", "1.35.4", "1.34.4"}
)

// examples are those whose rehearsals must hold.
var examples = []string{"guide", "zero"}

// A cell is one combination of versions.
type cell struct {
	KEDA       string `json:"keda"`
	Kubernetes string `json:"kubernetes"`
}

func (c cell) String() string { return "KEDA " + c.KEDA + " on Kubernetes " + c.Kubernetes }

func main() {
	log.SetFlags(0)
	log.SetPrefix("compat: ")
	root := flag.String("root", ".", "the checkout")
	writeOnly := flag.Bool("write", false, "write the pages from the results that there are")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *root, *writeOnly, flag.Args()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, root string, writeOnly bool, args []string) error {
	root, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	chosen, err := choose(args)
	if err != nil {
		return err
	}
	book, err := open(root)
	if err != nil {
		return err
	}
	if writeOnly {
		return book.write()
	}
	for _, c := range chosen {
		if _, ok := book.find(c); ok || c == book.pinned {
			continue
		}
		log.Printf("%s (%d of %d have a result)", c, len(book.results), len(kedas)*len(kubernetes)-1)
		r, err := (&trial{root: root, cell: c, pinned: book.pinned, say: log.Printf}).run(ctx)
		switch {
		case ctx.Err() != nil:
			return errors.New("stopped; what was built is kept, and cells with a result are not run again")
		case err != nil:
			return fmt.Errorf("%s: %w", c, err)
		}
		r.Date = time.Now().UTC().Format(time.DateOnly)
		book.results = append(book.results, r)
		if err := book.write(); err != nil {
			return err
		}
		log.Printf("%s: %s", c, r.word())
	}
	return nil
}

// choose are the cells that match all arguments.
func choose(args []string) ([]cell, error) {
	var all []cell
	for _, keda := range kedas {
		for _, k8s := range kubernetes {
			all = append(all, cell{keda, k8s})
		}
	}
	for _, a := range args {
		name, version, _ := strings.Cut(a, "=")
		of := func(c cell) string { return c.KEDA }
		switch name {
		case "keda":
		case "kubernetes":
			of = func(c cell) string { return c.Kubernetes }
		default:
			return nil, fmt.Errorf("%s: give keda=VERSION or kubernetes=VERSION", a)
		}
		all = slices.DeleteFunc(all, func(c cell) bool { return of(c) != version })
		if len(all) == 0 {
			return nil, fmt.Errorf("%s is none of KEDA %s and Kubernetes %s", a, strings.Join(kedas, ", "), strings.Join(kubernetes, ", "))
		}
	}
	return all, nil
}
