// Command release packs the command line tools of a release, and writes beside them what the
// programs are made of: an SBOM (CycloneDX), the licences and notices of all modules in them,
// krew's manifest, and checksums of all files.
//
//	release -version v1 -modules $(go env GOMODCACHE) -goroot $(go env GOROOT) -licence LICENSE -dist dist bin/linux-amd64/flyball …
package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// config says what to make of which programs. Those called flyball are packed, the others
// are in the image.
type config struct {
	version  string // the release's tag, or a commit between two
	modules  string // Go's module cache
	goroot   string // Go's own folder, whose library is in each program
	licence  string // Flyball's
	dist     string
	programs []string
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("release: ")
	var c config
	flag.StringVar(&c.version, "version", "dev", "the release's tag")
	flag.StringVar(&c.modules, "modules", "", "Go's module cache")
	flag.StringVar(&c.goroot, "goroot", "", "Go's own folder, whose library is in each program")
	flag.StringVar(&c.licence, "licence", "LICENSE", "Flyball's licence")
	flag.StringVar(&c.dist, "dist", "dist", "folder to write to")
	flag.Parse()
	c.programs = flag.Args()
	if err := run(c); err != nil {
		log.Fatal(err)
	}
}

func run(c config) error {
	if len(c.programs) == 0 {
		return errors.New("give the programs whose modules are to be named")
	}
	all, err := modules(c.programs)
	if err != nil {
		return err
	}
	bom, err := sbom(c.version, all)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(c.dist, "flyball.cdx.json"), bom, 0o644); err != nil {
		return err
	}
	text, err := notices(c.modules, c.goroot, all)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(c.dist, "THIRD_PARTY_NOTICES.txt"), text, 0o644); err != nil {
		return err
	}
	packed, err := archives(c.dist, c.licence, text, c.programs)
	if err != nil {
		return fmt.Errorf("packing the programs: %w", err)
	}
	if err := krew(c.dist, c.version, packed); err != nil {
		return fmt.Errorf("writing krew's manifest: %w", err)
	}
	return checksums(c.dist)
}

// A module is one that a program holds.
type module struct{ path, version string }

// modules are those of all programs, as the linker wrote them down.
func modules(programs []string) ([]module, error) {
	var all []module
	for _, p := range programs {
		info, err := buildinfo.ReadFile(p)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", p, err)
		}
		for _, d := range info.Deps {
			if d.Replace != nil {
				d = d.Replace
			}
			all = append(all, module{d.Path, d.Version})
		}
		all = append(all, module{"std", strings.TrimPrefix(info.GoVersion, "go")})
	}
	slices.SortFunc(all, func(a, b module) int { return strings.Compare(a.path+"@"+a.version, b.path+"@"+b.version) })
	return slices.Compact(all), nil
}

// sbom is CycloneDX 1.6.
func sbom(version string, all []module) ([]byte, error) {
	type component struct {
		Type    string `json:"type"`
		Ref     string `json:"bom-ref"`
		Name    string `json:"name"`
		Version string `json:"version"`
		PURL    string `json:"purl"`
	}
	named := func(kind, name, version string) component {
		purl := "pkg:golang/" + name + "@" + version
		return component{kind, purl, name, version, purl}
	}
	components := []component{}
	for _, m := range all {
		components = append(components, named("library", m.path, m.version))
	}
	text, err := json.MarshalIndent(map[string]any{
		"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components,
		"metadata": map[string]any{"component": named("application", "github.com/flyball-dev/flyball", version)},
	}, "", "  ")
	return append(text, '\n'), err
}

// notices are the licences and notices of the modules, whole. A module without one is an
// error: it must not be given on.
func notices(cache, goroot string, all []module) ([]byte, error) {
	var b strings.Builder
	b.WriteString("Flyball's programs hold the following modules.\n")
	for _, m := range all {
		folder := filepath.Join(cache, escape(m.path)+"@"+escape(m.version))
		if m.path == "std" {
			folder = goroot
		}
		texts, err := legal(folder)
		if err != nil {
			return nil, fmt.Errorf("reading the licence of %s %s: %w", m.path, m.version, err)
		}
		fmt.Fprintf(&b, "\n%s\n%s %s\n\n%s", strings.Repeat("=", 80), m.path, m.version, texts)
	}
	return []byte(b.String()), nil
}

func legal(folder string) (string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, e := range entries {
		name := strings.ToUpper(e.Name())
		if e.IsDir() || strings.HasSuffix(name, ".GO") || !strings.HasPrefix(name, "LICEN") && !strings.HasPrefix(name, "NOTICE") && !strings.HasPrefix(name, "COPYING") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return "", err
		}
		b.Write(text)
		b.WriteByte('\n')
	}
	if b.Len() == 0 {
		return "", fmt.Errorf("no LICENSE, NOTICE or COPYING in %s", folder)
	}
	return b.String(), nil
}

// escape is the module cache's: an upper-case letter is "!" and the lower-case one.
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('!')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// checksums of all other files, as sha256sum --check reads them.
func checksums(dist string) error {
	const name = "SHA256SUMS"
	entries, err := os.ReadDir(dist)
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, e := range entries {
		if e.IsDir() || e.Name() == name {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dist, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(text), e.Name())
	}
	return os.WriteFile(filepath.Join(dist, name), []byte(b.String()), 0o644)
}
