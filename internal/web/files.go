package web

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
)

//go:embed page
var embedded embed.FS

// styled is the document with the styles that it links to in it, so that the first paint
// waits for one answer and no second; hashes are what a policy calls them.
func styled() (document, hashes string, err error) {
	text, err := embedded.ReadFile("page/index.html")
	if err != nil {
		return "", "", fmt.Errorf("reading the page: %w", err)
	}
	document = string(text)
	for _, file := range []string{"vendor/uPlot.css", "style.css"} {
		style, err := embedded.ReadFile("page/" + file)
		if err != nil {
			return "", "", fmt.Errorf("reading the page: %w", err)
		}
		sum := sha256.Sum256(style)
		document = strings.Replace(document, `<link rel="stylesheet" href="`+file+`">`, "<style>"+string(style)+"</style>", 1)
		hashes += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return document, hashes, nil
}

// files serves the page's own, and says what a policy calls the document's styles.
func files() (own http.Handler, hashes string, err error) {
	dir, err := fs.Sub(embedded, "page")
	if err != nil {
		return nil, "", fmt.Errorf("reading the page: %w", err)
	}
	document, hashes, err := styled()
	if err != nil {
		return nil, "", err
	}
	server := http.FileServerFS(dir)
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
