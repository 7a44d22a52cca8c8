package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// onTerminal runs a command line with a terminal as its stdout or stderr, and returns what
// is written there and to the other.
func onTerminal(t *testing.T, out bool, words ...string) (seen, other string) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	if err := unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	all := make(chan string)
	go func() {
		text, _ := io.ReadAll(screen) // ends with an error when the terminal is closed
		all <- string(text)
	}()
	var pipe bytes.Buffer
	if out {
		Main(words, strings.NewReader(""), tty, &pipe)
	} else {
		Main(words, strings.NewReader(""), &pipe, tty)
	}
	tty.Close()
	return <-all, pipe.String()
}

// INV-2: progress is drawn on a terminal only, never with the data, and colours only where
// nobody has set NO_COLOR.
func TestTerminal(t *testing.T) {
	simulate := []string{"simulate", "--law", "static:n=1", "--workload", "poisson:rate=1,duration=1m,input=100,output=10", "--seeds", "2"}
	progress, data := onTerminal(t, false, simulate...)
	if !strings.Contains(progress, "\r\x1b[K2 of 2 runs") || strings.ContainsAny(data, "\r\x1b") || !strings.Contains(data, "\nLAW ") {
		t.Errorf("on a terminal: progress %q, data %q", progress, data)
	}
	if _, out, errOut := runs(simulate...); strings.Contains(errOut, "runs") || strings.ContainsAny(out, "\r\x1b") {
		t.Errorf("on a pipe: stdout %q, stderr %q", out, errOut)
	}
	lint := []string{"lint", "-f", "testdata/bad.yaml"}
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	if coloured, _ := onTerminal(t, true, lint...); !strings.Contains(coloured, "\x1b[31merror\x1b[0m") {
		t.Errorf("lint on a terminal: %q", coloured)
	}
	t.Setenv("NO_COLOR", "1")
	if plain, _ := onTerminal(t, true, lint...); strings.Contains(plain, "\x1b") || !strings.Contains(plain, "error ") {
		t.Errorf("lint with NO_COLOR: %q", plain)
	}
	if _, out, _ := runs(lint...); strings.Contains(out, "\x1b") {
		t.Errorf("lint on a pipe: %q", out)
	}
}

func TestCertsOnTerminal(t *testing.T) {
	if seen, errOut := onTerminal(t, true, "certs"); strings.Contains(seen, "tls.key") || !strings.Contains(errOut, "hint: flyball certs | kubectl apply -f -") {
		t.Errorf("on a terminal: %q, stderr %q", seen, errOut)
	}
}
