// Command release writes beside the programs of a release what they are made of: an SBOM
// (CycloneDX), the licences and notices of all modules in them, and checksums of all files.
//
//	release -modules $(go env GOMODCACHE) -goroot $(go env GOROOT) -dist dist dist/flyball_linux_amd64 …
package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("release: ")
	cache := flag.String("modules", "", "Go's module cache")
	goroot := flag.String("goroot", "", "Go's own folder, whose library is in each program")
	dist := flag.String("dist", "dist", "folder to write to")
	flag.Parse()
	if err := run(*cache, *goroot, *dist, flag.Args()); err != nil {
		log.Fatal(err)
	}
}

func run(cache, goroot, dist string, programs []string) error {
	if len(programs) == 0 {
		return fmt.Errorf("give the programs whose modules are to be named")
	}
	all, version, err := modules(programs)
	if err != nil {
		return err
	}
	bom, err := sbom(version, all)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dist, "flyball.cdx.json"), bom, 0o644); err != nil {
		return err
	}
	text, err := notices(cache, goroot, all)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dist, "THIRD_PARTY_NOTICES.txt"), text, 0o644); err != nil {
		return err
	}
	return checksums(dist)
}

// A module is one that a program holds.
type module struct{ path, version string }

// modules are those of all programs, as the linker wrote them down, and Flyball's version.
func modules(programs []string) (all []module, version string, err error) {
	for _, p := range programs {
		info, err := buildinfo.ReadFile(p)
		if err != nil {
			return nil, "", fmt.Errorf("reading %s: %w", p, err)
		}
		version = info.Main.Version
		for _, d := range info.Deps {
			if d.Replace != nil {
				d = d.Replace
			}
			all = append(all, module{d.Path, d.Version})
		}
		all = append(all, module{"std", strings.TrimPrefix(info.GoVersion, "go")})
	}
	slices.SortFunc(all, func(a, b module) int { return strings.Compare(a.path+"@"+a.version, b.path+"@"+b.version) })
	return slices.Compact(all), version, nil
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
