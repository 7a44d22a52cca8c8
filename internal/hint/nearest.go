package hint

import "strings"

// Nearest is the name that was probably meant by a word that is none of them: one that
// differs in at most a third of its letters, or in two of at least four, or that the word
// begins; "" if there is none.
func Nearest(word string, names []string) string {
	word = strings.ToLower(word)
	most := len(word) / 3
	if len(word) > 3 {
		most = max(2, most)
	}
	best, least := "", most+1
	for _, name := range names {
		known := strings.ToLower(name)
		d := Distance(word, known)
		if len(word) > 2 && strings.HasPrefix(known, word) {
			d = min(d, 1)
		}
		if d < least {
			best, least = name, d
		}
	}
	return best
}

// Meant attaches to err the name that was probably meant, and in any case how to see all.
func Meant(err error, word string, names []string, all string) error {
	if near := Nearest(word, names); near != "" {
		return With(err, "did you mean %s? %s", near, all)
	}
	return With(err, "%s", all)
}
