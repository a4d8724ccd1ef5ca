package engine

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// CredentialsFile stands in the data folder, readable by its owner only.
const CredentialsFile = "credentials.json"

// Users of the engine.
const (
	AppUser    = "app"
	ReaderUser = "reader"
	// ConfinedUser asks for tokens that see some experiments only; nobody else may use it.
	ConfinedUser = "confined"
)

// Credentials are the passwords of the engine's users.
type Credentials struct {
	App    string `json:"app"`
	Reader string `json:"reader"`
	// Confined is the server's own secret.
	Confined string `json:"confined"`
}

// LoadCredentials reads the passwords of a data folder and draws them first if there are none.
func LoadCredentials(dir string) (Credentials, error) {
	name := filepath.Join(dir, CredentialsFile)
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return createCredentials(name)
	}
	if err != nil {
		return Credentials{}, fmt.Errorf("read credentials: %w", err)
	}
	var c Credentials
	if err := json.Unmarshal(b, &c); err != nil || c.App == "" || c.Reader == "" {
		return Credentials{}, fmt.Errorf("%s is damaged; delete it and new passwords are drawn", name)
	}
	if c.Confined == "" { // of a folder that is older than this user
		c.Confined = rand.Text()
		return c, c.write(name)
	}
	return c, nil
}

func createCredentials(name string) (Credentials, error) {
	c := Credentials{App: rand.Text(), Reader: rand.Text(), Confined: rand.Text()}
	return c, c.write(name)
}

func (c Credentials) write(name string) error {
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("encode credentials: %w", err)
	}
	return writeFile(name, append(b, '\n'))
}

// writeFile replaces a file at once, so that a crash leaves the old one or the new one.
func writeFile(name string, b []byte) error {
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, b) {
		return nil // so that a start needs no room on the disk
	}
	if err := os.WriteFile(name+".new", b, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		return fmt.Errorf("replace %s: %w", name, err)
	}
	return nil
}
