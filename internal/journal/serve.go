package journal

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	// Path is where ServeHTTP is to be found.
	Path = "/v1/record"

	mostReads = 2                // at a time: the scaler has something else to do
	longRead  = 10 * time.Minute // what takes longer is cut off
)

// A Request is for what is recorded of a service.
type Request struct {
	Service string // NAMESPACE/NAME
	Kinds   []Kind
	// At asks for what says what held at a time: of each kind the files before it, and that
	// in which it falls. Zero asks for all.
	At time.Time
}

// The parameters of a request.
const (
	serviceKey = "service"
	kindKey    = "log"
	atKey      = "at"
)

// Values are its parameters.
func (r Request) Values() url.Values {
	v := url.Values{serviceKey: {r.Service}}
	for _, k := range r.Kinds {
		v.Add(kindKey, string(k))
	}
	if !r.At.IsZero() {
		v.Set(atKey, r.At.UTC().Format(time.RFC3339Nano))
	}
	return v
}

func parseRequest(v url.Values) (Request, error) {
	r := Request{Service: v.Get(serviceKey)}
	namespace, name, ok := strings.Cut(r.Service, "/")
	if !ok || namespace == "" || name == "" || strings.Contains(name, "/") {
		return r, fmt.Errorf("%s=%q: give NAMESPACE/NAME", serviceKey, r.Service)
	}
	for _, k := range v[kindKey] {
		if k != string(Steps) && k != string(Changes) {
			return r, fmt.Errorf("%s=%q: give %s or %s", kindKey, k, Steps, Changes)
		}
		r.Kinds = append(r.Kinds, Kind(k))
	}
	if len(r.Kinds) == 0 {
		return r, fmt.Errorf("%s is missing: give %s or %s", kindKey, Steps, Changes)
	}
	if at := v.Get(atKey); at != "" {
		var err error
		if r.At, err = time.Parse(time.RFC3339Nano, at); err != nil {
			return r, fmt.Errorf("%s=%q: give a time like 2026-11-29T18:30:00Z", atKey, at)
		}
	}
	return r, nil
}

// ServeHTTP tells what is recorded of one service, as a record.Reader reads it. Where nothing
// is it has no content.
func (j *Journal) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "a record is only read", http.StatusMethodNotAllowed)
		return
	}
	asked, err := parseRequest(req.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	select {
	case j.reads <- struct{}{}:
		defer func() { <-j.reads }()
	default:
		w.Header().Set("Retry-After", "5")
		http.Error(w, fmt.Sprintf("%d others read a record: try again", mostReads), http.StatusTooManyRequests)
		return
	}
	parts, err := j.parts(asked)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(parts) == 0:
		w.WriteHeader(http.StatusNoContent)
		return
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(longRead)) // without one it may take longer
	w.Header().Set("Content-Type", "application/x-ndjson")
	if !strings.Contains(req.Header.Get("Accept-Encoding"), "gzip") {
		parts.copy(w)
		return
	}
	w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	parts.copy(z)
	_ = z.Close() // who asked has gone
}

// parts are the files that a request is for.
func (j *Journal) parts(r Request) (Parts, error) {
	folder, err := j.folder(r.Service)
	if err != nil {
		return nil, err
	}
	var all Parts
	for _, kind := range r.Kinds {
		files, err := list(folder, kind)
		if err != nil {
			return nil, err
		}
		if !r.At.IsZero() {
			files = around(files, r.At)
		}
		for _, f := range files {
			all = append(all, f.path)
		}
	}
	return all, nil
}

// around is the file in which a time falls with the one before it, in which it falls if the
// later one has no step before it, or else the first.
func around(files []file, at time.Time) []file {
	after, _ := slices.BinarySearchFunc(files, at.UTC().Format(stamp), func(f file, text string) int {
		return cmp.Or(cmp.Compare(f.begin, text), -1)
	})
	return files[max(after-2, 0):min(max(after, 1), len(files))]
}

// copy writes the text of all parts, each from a line's beginning on. What cannot be read
// becomes a line that none of a record is.
func (p Parts) copy(w io.Writer) {
	for i, r := range p.Readers() {
		_, err := bufio.NewReader(r).WriteTo(w)
		end := "\n"
		if err != nil {
			end = fmt.Sprintf("\nreading %s: %v\n", p[i], err)
		}
		if _, err := io.WriteString(w, end); err != nil {
			return // who asked has gone
		}
	}
}
