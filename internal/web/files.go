package web

import (
	"fmt"
	"io/fs"
	"net/http"

	assets "github.com/flyball-dev/flyball/internal/web/page"
)

// index is the page's document.
func index() (string, error) {
	text, err := fs.ReadFile(assets.Files(), "index.html")
	if err != nil {
		return "", fmt.Errorf("reading the page: %w", err)
	}
	return string(text), nil
}

// files serves the page's own, and says what a policy calls the document's styles.
func files() (own http.Handler, hashes string, err error) {
	document, err := index()
	if err != nil {
		return nil, "", err
	}
	document, hashes, err = assets.Styled(document, nil)
	if err != nil {
		return nil, "", err
	}
	server := http.FileServerFS(assets.Files())
	own = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		if r.URL.Path != "/" {
			server.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(document)) // the reader went
	})
	return own, hashes, nil
}
