//go:build linux

package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/flyball-dev/flyball/internal/hint"
)

// The range of A in 127.A.0.0/16; 127.0 belongs to the machine.
const firstNet, lastNet = 42, 91

// claim is a loopback range that belongs to this process until it is released.
type claim struct {
	net  string // "127.42"
	file *os.File
}

// claimNet takes the first loopback range that no living lab holds, for the lab in
// the directory owner. The lock is
// the kernel's, so a killed lab holds nothing.
func claimNet(dir, owner string) (*claim, error) {
	for a := firstNet; a <= lastNet; a++ {
		path := filepath.Join(dir, fmt.Sprintf("flyball-127.%d.lock", a))
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|unix.O_NOFOLLOW, 0o600)
		if errors.Is(err, os.ErrPermission) {
			continue // another user's
		}
		if err != nil {
			return nil, fmt.Errorf("claiming a loopback range: %w", err)
		}
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			err := f.Truncate(0)
			if err == nil {
				_, err = f.WriteAt([]byte(owner), 0)
			}
			if err != nil {
				return nil, fmt.Errorf("claiming a loopback range: %w", err)
			}
			return &claim{fmt.Sprintf("127.%d", a), f}, nil
		}
		f.Close() // nothing was written
	}
	return nil, hint.With(fmt.Errorf("claiming a loopback range: 127.%d to 127.%d are all held by other labs", firstNet, lastNet),
		"stop one of them with 'flyball down' in its directory")
}

// release removes the file before it unlocks: whoever opens the path later gets a new one.
func (c *claim) release() {
	os.Remove(c.file.Name()) // an orphaned lock file is claimed again
	c.file.Close()           // closing releases the lock
}

// sweep removes the lock files that dead labs of the directory owner left in dir.
func sweep(dir, owner string) error {
	paths, err := filepath.Glob(filepath.Join(dir, "flyball-127.*.lock"))
	if err != nil {
		return fmt.Errorf("listing lock files: %w", err)
	}
	for _, path := range paths {
		f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOFOLLOW, 0)
		if err != nil {
			continue // another user's, or gone
		}
		held := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil
		if text, err := os.ReadFile(path); err == nil && !held && string(text) == owner {
			os.Remove(path) // the next claim takes it over
		}
		f.Close() // nothing was written
	}
	return nil
}
