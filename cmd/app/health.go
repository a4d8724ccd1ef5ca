package app

import (
	"fmt"
	"sync"
)

// health knows every part's own opinion of itself. It is safe for concurrent use.
type health struct {
	mu    sync.Mutex
	parts []part
}

type part struct {
	name   string
	status func() error
}

func (h *health) add(name string, status func() error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.parts = append(h.parts, part{name, status})
}

// check is nil if every part can serve, else the first reason.
func (h *health) check() error {
	h.mu.Lock()
	parts := h.parts
	h.mu.Unlock()
	for _, p := range parts {
		if err := p.status(); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

// replace puts all parts in the place of those before.
func (h *health) replace(parts ...part) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.parts = parts
}
