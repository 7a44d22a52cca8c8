package page

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
)

//go:embed *.css *.html *.js *.svg vendor
var files embed.FS

// Files are those of the live page, from index.html on.
func Files() fs.FS { return files }

// What a document links to, in the words of all of them.
var (
	style  = regexp.MustCompile(`<link rel="stylesheet" href="([^"]+)">`)
	module = regexp.MustCompile(`<script src="([^"]+)" type="module"></script>`)
	icon   = regexp.MustCompile(`<link rel="icon"[^>]*>`)
	needs  = regexp.MustCompile(`(from |import\()"\./([^"]+)"`)
)

// Styled is a document with the styles that it links to in it, so that the first paint waits for
// one answer and no second; hashes are what a policy calls them. Files that are not shared are in
// own, which may be nil.
func Styled(document string, own fs.FS) (styled, hashes string, err error) {
	var errs []error
	styled = style.ReplaceAllStringFunc(document, func(link string) string {
		text, err := read(style.FindStringSubmatch(link)[1], own)
		errs = append(errs, err)
		sum := sha256.Sum256([]byte(text))
		hashes += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		return "<style>" + text + "</style>"
	})
	return styled, hashes, errors.Join(errs...)
}

func read(name string, own fs.FS) (string, error) {
	text, err := fs.ReadFile(files, name)
	if errors.Is(err, fs.ErrNotExist) && own != nil {
		text, err = fs.ReadFile(own, name)
	}
	if err != nil {
		return "", fmt.Errorf("reading the page: %w", err)
	}
	return string(text), nil
}

// alone lets the file have what is in it and nothing else.
const alone = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline' data:; style-src 'unsafe-inline'">`

// Whole is a document with all in it that it links to, and data, which its module finds as JSON in
// the element #frozen. encoding/json writes < as \u003c, so that no name ends the script in which
// it stands; a template that makes a document has to escape as well.
func Whole(document string, own fs.FS, data any) (string, error) {
	frozen, err := json.Marshal(data)
	if err != nil {
		return "", fmt.Errorf("writing the data: %w", err)
	}
	document, _, err = Styled(document, own)
	if err != nil {
		return "", err
	}
	entry, head := module.FindStringSubmatch(document), icon.FindString(document)
	if entry == nil || head == "" {
		return "", errors.New("making a document whole: it has no module or no icon, which makes place for its policy")
	}
	modules := map[string]string{}
	if err := gather(modules, entry[1], own); err != nil {
		return "", err
	}
	imports, err := json.Marshal(map[string]any{"imports": modules})
	if err != nil {
		return "", fmt.Errorf("writing the modules: %w", err)
	}
	return strings.NewReplacer(
		head, alone,
		entry[0], `<script type="importmap">`+string(imports)+"</script>"+
			`<script id="frozen" type="application/json">`+string(frozen)+`</script><script type="module">import "page/`+entry[1]+`";</script>`,
	).Replace(document), nil
}

// gather adds a module and those that it needs. A module of a data: address has no folder for
// others to be relative to.
func gather(modules map[string]string, name string, own fs.FS) error {
	if modules["page/"+name] != "" {
		return nil
	}
	text, err := read(name, own)
	if err != nil {
		return err
	}
	bare := needs.ReplaceAllString(text, `$1"page/$2"`)
	modules["page/"+name] = "data:text/javascript;base64," + base64.StdEncoding.EncodeToString([]byte(bare))
	for _, need := range needs.FindAllStringSubmatch(text, -1) {
		if err := gather(modules, need[2], own); err != nil {
			return err
		}
	}
	return nil
}
