package violations

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"time"
)

type key struct{}

// Wrapped wraps its context in a loop: fatcontext.
func Wrapped(ctx context.Context) context.Context {
	for range 3 {
		ctx = context.WithValue(ctx, key{}, 1)
	}
	return ctx
}

// Forbidden makes each forbidden call: forbidigo.
func Forbidden() context.Context {
	time.Sleep(time.Second)
	fmt.Println("out")
	log.Print("out")
	fmt.Fprintln(os.Stderr, http.DefaultClient)
	if len(os.Args) > 3 {
		os.Exit(1)
	}
	if len(os.Args) > 2 {
		panic("too many")
	}
	return context.Background()
}

// Logged puts a fact into the message: sloglint.
func Logged(pod string) {
	slog.Info("deleting " + pod)
}

// Formatted prints a string as a number: govet.
func Formatted() string {
	return fmt.Sprintf("%d", "three")
}
