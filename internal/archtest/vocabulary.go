package archtest

import (
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/flyball-dev/flyball/internal/vllm"
)

// A vocabulary is an upstream's, with the only folder that writes its words.
type vocabulary struct {
	home string
	of   func(literal string) (word string, found bool)
}

func vocabularies() []vocabulary {
	series, group := regexp.MustCompile(`\bvllm:[a-z_]+`), regexp.MustCompile(`serving\.kserve\.io`)
	options := vllm.HuggingFace.Names()
	found := func(word string) (string, bool) { return word, word != "" }
	return []vocabulary{
		{"internal/vllm", func(text string) (string, bool) { return found(series.FindString(text)) }},
		{"internal/kserve", func(text string) (string, bool) { return found(group.FindString(text)) }},
		// An option is one where it is the whole text: in a sentence it is what a user reads.
		// Of one word (port, model) it may be anybody's.
		{"internal/vllm", func(text string) (string, bool) {
			name := strings.TrimPrefix(strings.TrimSuffix(text, "="), "--")
			return text, strings.Contains(name, "-") && slices.Contains(options, name)
		}},
	}
}

// elsewhere are the files that write such a word for another reason than to read it.
func elsewhere() map[string]string {
	return map[string]string{
		"internal/kserve/kservetest/guide.go": "a whole manifest for tests, as a user writes it",
		"internal/cli/lint/lint.go":           "a flag of lint's own, called as what it stands for",
		"internal/vllmsim/args.go":            "options that vllmsim takes and does nothing with",
		"internal/vllmsim/server.go":          "keys of its log",
	}
}

func vocabularyRules() []rule {
	return []rule{{
		"vocabulary", "an upstream word that is written twice differs sooner or later: a series, an option or KServe's group is a constant of internal/vllm or internal/kserve " +
			"(internal/archtest/vocabulary.go lists the exceptions)",
		func(t *tree, report reporter) {
			words := vocabularies()
			for _, f := range t.files() {
				_, excepted := elsewhere()[f.path]
				if f.test || excepted || f.dir() == "internal/archtest" || !strings.HasPrefix(f.path, "internal/") && !strings.HasPrefix(f.path, "cmd/") {
					continue
				}
				ast.Inspect(f.ast, func(n ast.Node) bool {
					if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
						reportWords(f, lit, words, report)
					}
					return true
				})
			}
		},
	}}
}

func reportWords(f file, lit *ast.BasicLit, words []vocabulary, report reporter) {
	text, err := strconv.Unquote(lit.Value)
	if err != nil {
		return
	}
	for _, v := range words {
		if word, found := v.of(text); found && f.dir() != v.home && path.Dir(f.dir()) != v.home {
			report(f.path, lit.Pos(), "%q is a word of %s", word, v.home)
		}
	}
}
