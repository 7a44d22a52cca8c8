package web

import (
	"embed"
	"fmt"
	"io/fs"
	"net/http"
)

//go:embed page
var embedded embed.FS

// files serves the page's own.
func files() (http.Handler, error) {
	dir, err := fs.Sub(embedded, "page")
	if err != nil {
		return nil, fmt.Errorf("reading the page: %w", err)
	}
	server := http.FileServerFS(dir)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		server.ServeHTTP(w, r)
	}), nil
}
