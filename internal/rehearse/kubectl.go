package rehearse

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// client runs programs against one cluster.
type client struct {
	kubectl    string
	kubeconfig string // "" leaves the choice to kubectl
	dir        string // working directory of kubectl and scripts
	proxy      string // that knows the cluster's names; "" if none is needed
}

// command prepares a program in a process group of its own, so that what a script
// started ends with it.
func (c client) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = c.dir
	path := filepath.Dir(c.kubectl) + string(os.PathListSeparator) + os.Getenv("PATH")
	if own, err := os.Executable(); err == nil { // scripts may call flyball
		path = filepath.Dir(own) + string(os.PathListSeparator) + path
	}
	cmd.Env = append(os.Environ(), "PATH="+path, "FLYBALL_PROXY="+c.proxy)
	if c.kubeconfig != "" {
		cmd.Env = append(cmd.Env, "KUBECONFIG="+c.kubeconfig)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// output is what kubectl prints; an error carries what it complained about.
func (c client) output(ctx context.Context, args ...string) ([]byte, error) {
	var out, complaint bytes.Buffer
	cmd := c.command(ctx, c.kubectl, args...)
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("kubectl %s: %w", args[0], complaintOr(complaint.String(), err))
	}
	return out.Bytes(), nil
}

func complaintOr(complaint string, err error) error {
	if complaint = strings.TrimSpace(complaint); complaint != "" {
		return errors.New(complaint)
	}
	return err
}

// read runs a read with a limit, so that a cluster that answers nothing counts as
// nothing seen.
func (c client) read(ctx context.Context, args ...string) ([]byte, error) {
	return c.output(ctx, append(slices.Clone(args), "--request-timeout=10s")...)
}

// one reads one object; nil if there is none.
func one[T any](ctx context.Context, c client, namespace, name string) (*T, error) {
	out, err := c.read(ctx, "get", name, "-n", namespace, "--ignore-not-found", "-o", "json")
	if err != nil || len(bytes.TrimSpace(out)) == 0 {
		return nil, err
	}
	o := new(T)
	if err := json.Unmarshal(out, o); err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return o, nil
}

// list reads the items of a kubectl get that names kinds.
func (c client) list(ctx context.Context, args ...string) ([]object, error) {
	out, err := c.read(ctx, append([]string{"get", "-o", "json"}, args...)...)
	if err != nil {
		return nil, err
	}
	var all objects
	if err := json.Unmarshal(out, &all); err != nil {
		return nil, fmt.Errorf("reading %s: %w", args[0], err)
	}
	return all.Items, nil
}
