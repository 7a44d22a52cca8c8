package archtest

import (
	"go/token"
	"slices"
	"strings"
)

const (
	packageLines = 2500
	prefixFiles  = 3
	prefixLines  = 400
)

// unsplit are the packages that are larger, and the prefixes of more lines, than the rule
// lets be, by their folders and the files' names without .go, each with what holds it
// together.
func unsplit() map[string]string {
	return map[string]string{
		"internal/gateway":   "a request's way through it is one state machine, whose steps look into each other",
		"internal/lab/node":  "a pod's containers, probes, volumes and status belong to one goroutine",
		"internal/lint/rule": "one file for each group of rules, which one index lists",
		"internal/plant":     "a step of the engine goes through scheduler, blocks and meter in one inlined loop",
		"internal/workload":  "generators and readers all make the one Source, and name each other's parts",
	}
}

func roomRules() []rule {
	return []rule{{
		"rooms", "what outgrows its folder is kept apart by prefixes, and then knows everything beside it; " +
			"give it a folder whose name says it, or put it on the list in internal/archtest/rooms.go with what holds it together",
		func(t *tree, report reporter) {
			for _, g := range outgrown(t) {
				if unsplit()[g.name] == "" {
					report(g.place, token.NoPos, "%s has %d lines in %d files, at most %d", g.name, g.lines, g.files, g.most)
				}
			}
		},
	}}
}

// A growth is a folder, or files of one prefix in it, of more lines than one should have.
type growth struct {
	name, place        string
	lines, files, most int
}

func outgrown(t *tree) []growth {
	var all []growth
	add := func(name string, files []file, most int) {
		lines := 0
		for _, f := range files {
			lines += f.lines
		}
		if lines > most {
			all = append(all, growth{name, files[len(files)-1].path, lines, len(files), most})
		}
	}
	for _, dir := range t.dirs() {
		files := slices.DeleteFunc(slices.Clone(t.packages[dir]), func(f file) bool { return f.test || f.generated })
		add(dir, files, packageLines)
		for _, f := range files {
			prefix := strings.TrimSuffix(f.path, ".go")
			group := slices.DeleteFunc(slices.Clone(files), func(g file) bool { return !strings.HasPrefix(g.path, prefix) })
			if len(group) >= prefixFiles {
				add(prefix, group, prefixLines)
			}
		}
	}
	return all
}
