package vault

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/streamgauge/streamgauge/cmd/access"
)

// OwnerFile stands in the data folder, readable by its owner only: a token of role admin for who owns the folder.
const OwnerFile = "owner-token"

// OwnerToken reads the token of a data folder's owner.
func OwnerToken(dir string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, OwnerFile))
	if err != nil {
		return "", fmt.Errorf("read the owner's token: %w", err)
	}
	token := strings.TrimSpace(string(b))
	if token == "" { // a crash can leave it so
		return "", fmt.Errorf("read the owner's token: %s is empty: %w", filepath.Join(dir, OwnerFile), fs.ErrNotExist)
	}
	return token, nil
}

// EnsureOwnerToken reads it, and draws it first if there is none.
func EnsureOwnerToken(dir string) (string, error) {
	token, err := OwnerToken(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return token, err
	}
	name := filepath.Join(dir, OwnerFile)
	token = access.DrawOwner()
	if err := os.WriteFile(name+".new", []byte(token+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("write the owner's token: %w", err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		return "", fmt.Errorf("write the owner's token: %w", err)
	}
	return token, nil
}
