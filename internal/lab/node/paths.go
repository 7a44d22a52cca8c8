//go:build linux

package node

import (
	"path/filepath"
	"regexp"
	"strings"
)

// view rewrites what a container says about its own file system and loopback into what is true
// on this machine.
type view struct {
	root   string   // the directory that is the container's file system
	mounts []string // paths that exist there
	dir    string   // the lab's directory: a path below it is already this machine's
	podIP  string
}

// local matches an address that, in a container, means the pod itself. A host alone counts only
// as a number: "localhost" alone may be a name on a certificate.
var local = regexp.MustCompile(`^([a-z]+://)?(?:127\.0\.0\.1|0\.0\.0\.0|localhost|\[::\])?(:\d+)(/.*)?$|^(?:127\.0\.0\.1|0\.0\.0\.0)$`)

// value rewrites a whole argument or environment value, and what follows its first "=".
func (v view) value(s string) string {
	if mapped, ok := v.rewrite(s); ok {
		return mapped
	}
	if key, val, ok := strings.Cut(s, "="); ok {
		if mapped, ok := v.rewrite(val); ok {
			return key + "=" + mapped
		}
	}
	return s
}

func (v view) rewrite(s string) (string, bool) {
	if strings.HasPrefix(s, "/") {
		if within(s, v.dir) {
			return s, true
		}
		for _, m := range v.mounts {
			if within(s, m) {
				return v.path(s), true
			}
		}
		return "", false
	}
	if m := local.FindStringSubmatch(s); m != nil {
		return m[1] + v.podIP + m[2] + m[3], true
	}
	return "", false
}

// path is where a path of the container lies on this machine.
func (v view) path(p string) string { return filepath.Join(v.root, p) }

func within(path, dir string) bool {
	rest, ok := strings.CutPrefix(path, strings.TrimSuffix(dir, "/"))
	return ok && dir != "" && (rest == "" || rest[0] == '/')
}
