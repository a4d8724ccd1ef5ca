// Package seal encrypts webhooks' secrets with a key that stands in a file of the data folder, so that who reads the
// documents, a backup of the bus or the table of history has no secret.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// File is the name of the key's file, readable by its owner only.
const File = "webhook-key"

const (
	keyBytes = 32
	fileMode = 0o600
)

// Box seals texts with AES-256-GCM.
type Box struct{ gcm cipher.AEAD }

// Open reads the key of a data folder, and draws it first if there is none.
func Open(dir string) (*Box, error) {
	name := filepath.Join(dir, File)
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return draw(name)
	}
	if err != nil {
		return nil, fmt.Errorf("read the key of webhooks' secrets: %w", err)
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("read the key of webhooks' secrets: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s, the key of webhooks' secrets, is open to others (mode %o); chmod 600 it", name, info.Mode().Perm())
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(key) != keyBytes {
		return nil, fmt.Errorf("%s, the key of webhooks' secrets, is damaged: it must be %d hex digits; restore it from a backup, or remove it and set the secrets anew", name, 2*keyBytes)
	}
	return New([keyBytes]byte(key)), nil
}

// draw makes a key and its file, which is there whole or not at all, also after a loss of power.
func draw(name string) (*Box, error) {
	var key [keyBytes]byte
	_, _ = rand.Read(key[:]) // never fails
	f, err := os.OpenFile(name+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, fileMode)
	if err != nil {
		return nil, fmt.Errorf("write the key of webhooks' secrets: %w", err)
	}
	_, err = f.WriteString(hex.EncodeToString(key[:]) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(name+".new", name)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(name))
	}
	if err != nil {
		return nil, fmt.Errorf("write the key of webhooks' secrets: %w", err)
	}
	return New(key), nil
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Draw makes a box whose key nobody keeps, for tests.
func Draw() *Box {
	var key [keyBytes]byte
	_, _ = rand.Read(key[:])
	return New(key)
}

// New makes a box of a key.
func New(key [keyBytes]byte) *Box {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // the length is right
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // AES has the block size that GCM needs
	}
	return &Box{gcm: gcm}
}

// Seal encrypts a text; nothing stays nothing.
func (b *Box) Seal(text string) []byte {
	if text == "" {
		return nil
	}
	return b.gcm.Seal(nil, nil, []byte(text), nil)
}

// Open decrypts what Seal gave.
func (b *Box) Open(sealed []byte) (string, error) {
	if len(sealed) == 0 {
		return "", nil
	}
	text, err := b.gcm.Open(nil, nil, sealed, nil)
	if err != nil {
		return "", fmt.Errorf("the webhook's secret was sealed with another key than the data folder's; set it anew: %w", err)
	}
	return string(text), nil
}
