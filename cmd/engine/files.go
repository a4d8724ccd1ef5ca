package engine

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"text/template"
)

// Options say where an engine lives and listens. All but Temporary are required.
type Options struct {
	// Dir is the data folder: the engine keeps its tables in clickhouse/ and finds credentials.json beside it.
	Dir string
	// Listen and HTTPListen are loopback addresses with ports for the native protocol and HTTP.
	Listen     string
	HTTPListen string
	// Library is the path of libchdb.
	Library string
	// Temporary removes Dir when the engine ends as asked.
	Temporary bool
	// MoreUsers is a file with further users, in the XML of users.xml; for tests, "" for none.
	MoreUsers string
}

func (o Options) discard() {
	if o.Temporary {
		_ = os.RemoveAll(o.Dir) // nobody is left to be told
	}
}

// Folder is where the engine keeps everything of its own.
func (o Options) Folder() string { return filepath.Join(o.Dir, "clickhouse") }

// LogFile holds the engine's errors.
func (o Options) LogFile() string { return filepath.Join(o.Folder(), "engine.log") }

func (o Options) configFile() string { return filepath.Join(o.Folder(), "config.xml") }
func (o Options) usersFile() string  { return filepath.Join(o.Folder(), "users.xml") }

//go:embed config.xml.tmpl users.xml.tmpl
var templates embed.FS

var files = template.Must(template.New("").Funcs(template.FuncMap{"xml": escape, "sha256": sha256Hex}).ParseFS(templates, "*.tmpl"))

func escape(s string) (string, error) {
	var b bytes.Buffer
	err := xml.EscapeText(&b, []byte(s))
	return b.String(), err
}

func sha256Hex(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// writeFiles puts the engine's configuration in place; it is derived, so it is written at every start.
func writeFiles(o Options, c Credentials) error {
	host, port, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return fmt.Errorf("listen address: %w", err)
	}
	_, httpPort, err := net.SplitHostPort(o.HTTPListen)
	if err != nil {
		return fmt.Errorf("HTTP listen address: %w", err)
	}
	if err := os.MkdirAll(o.Folder(), 0o700); err != nil {
		return fmt.Errorf("make the engine's folder: %w", err)
	}
	more, err := []byte(nil), error(nil)
	if o.MoreUsers != "" {
		if more, err = os.ReadFile(o.MoreUsers); err != nil {
			return fmt.Errorf("read further users: %w", err)
		}
	}
	values := map[string]any{
		"Folder": o.Folder(), "Users": o.usersFile(), "Log": o.LogFile(),
		"Host": host, "Port": port, "HTTPPort": httpPort, "Credentials": c,
		"AppUser": AppUser, "ReaderUser": ReaderUser, "ConfinedUser": ConfinedUser, "MoreUsers": string(more),
	}
	for name, path := range map[string]string{"config.xml.tmpl": o.configFile(), "users.xml.tmpl": o.usersFile()} {
		var b bytes.Buffer
		if err := files.ExecuteTemplate(&b, name, values); err != nil {
			return fmt.Errorf("render %s: %w", name, err)
		}
		if err := writeFile(path, b.Bytes()); err != nil {
			return err
		}
	}
	return writeShadows(o)
}
