// Tidy says which Go functions, files and packages are larger than the style guide wants them. Tests and generated code
// are not counted.
//
//	go run build/tidy/tidy.go build/tidy/allowed.txt MODULE...
//
// allowed.txt has a line `KIND NAME LINES` for each that may be larger, up to so many lines. An exception that is no
// longer needed fails too, so that the list only shrinks by itself.
package main

import (
	"bufio"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// limits are the most lines of each kind, and parameters the most of a function.
var limits = map[string]int{"function": 70, "file": 300, "package": 800, "parameters": 4}

type found struct {
	kind, name string
	size       int
}

func main() {
	allowed, err := readAllowed(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	var all []found
	for _, module := range os.Args[2:] {
		some, err := measure(module)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		all = append(all, some...)
	}
	if complaints := judge(all, allowed); len(complaints) > 0 {
		fmt.Println(strings.Join(complaints, "\n"))
		os.Exit(1)
	}
}

// judge compares sizes with limits and exceptions.
func judge(all []found, allowed map[string]int) (complaints []string) {
	needed := make(map[string]bool)
	for _, f := range all {
		key := f.kind + " " + f.name
		if f.size <= limits[f.kind] {
			continue
		}
		needed[key] = true
		if most := cmp.Or(allowed[key], limits[f.kind]); f.size > most {
			complaints = append(complaints, fmt.Sprintf("%s has %d, %d is the most: split it", key, f.size, most))
		}
	}
	for key := range allowed {
		if !needed[key] {
			complaints = append(complaints, key+" needs no exception: remove its line")
		}
	}
	slices.Sort(complaints)
	return complaints
}

func readAllowed(name string) (map[string]int, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	allowed := make(map[string]int)
	for s := bufio.NewScanner(f); s.Scan(); {
		if line := s.Text(); line != "" && !strings.HasPrefix(line, "#") {
			var kind, name string
			var size int
			if _, err := fmt.Sscan(line, &kind, &name, &size); err != nil {
				return nil, fmt.Errorf("allowed %q: %w", line, err)
			}
			allowed[kind+" "+name] = size
		}
	}
	return allowed, nil
}

// measure finds everything in a module.
func measure(module string) (all []found, err error) {
	packages := make(map[string]int)
	err = filepath.WalkDir(module, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		files := token.NewFileSet()
		parsed, err := parser.ParseFile(files, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil || ast.IsGenerated(parsed) {
			return err
		}
		lines := files.File(parsed.FileStart).LineCount()
		packages[path.Dir(filepath.ToSlash(name))] += lines
		all = append(all, found{"file", filepath.ToSlash(name), lines})
		all = append(all, functions(files, parsed, filepath.ToSlash(name))...)
		return nil
	})
	for name, lines := range packages {
		all = append(all, found{"package", name, lines})
	}
	return all, err
}

func functions(files *token.FileSet, parsed *ast.File, name string) (all []found) {
	for _, d := range parsed.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		where := name + ":" + f.Name.Name
		all = append(all, found{"function", where, files.Position(f.End()).Line - files.Position(f.Pos()).Line + 1})
		// A context is not counted.
		n := f.Type.Params.NumFields()
		if n > 0 {
			if s, ok := f.Type.Params.List[0].Type.(*ast.SelectorExpr); ok && s.Sel.Name == "Context" {
				n--
			}
		}
		all = append(all, found{"parameters", where, n})
	}
	return all
}
