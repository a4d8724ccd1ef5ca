package access

import (
	"fmt"
	"slices"
)

// Role is what a token may do. Each includes those before it.
type Role uint8

// Read sees, Write also changes what runs and experiments are made of, Admin also manages tokens.
const (
	Read Role = iota + 1
	Write
	Admin
)

var roleNames = [...]string{Read: "read", Write: "write", Admin: "admin"}

func (r Role) String() string {
	if int(r) < len(roleNames) && r > 0 {
		return roleNames[r]
	}
	return "none"
}

// ParseRole reads a role by its name.
func ParseRole(text string) (Role, error) {
	if i := slices.Index(roleNames[:], text); i > 0 {
		return Role(i), nil
	}
	return 0, fmt.Errorf("the role must be read, write or admin, not %q", text)
}

// Scope is the experiments that a token is confined to, by id and by name. The zero value confines to nothing:
// every experiment is in it.
type Scope struct {
	IDs   []string
	Names []string
}

// All says that the scope confines to nothing.
func (s Scope) All() bool { return len(s.IDs)+len(s.Names) == 0 }

// Sees says whether an experiment is in the scope.
func (s Scope) Sees(id, name string) bool {
	return s.All() || slices.Contains(s.IDs, id) || slices.Contains(s.Names, name)
}
