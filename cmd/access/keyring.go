package access

import (
	"cmp"
	"crypto/subtle"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// Why a credential lets nobody in.
var (
	ErrUnknown = errors.New("the token is not known here")
	ErrExpired = errors.New("the token has expired")
	ErrRevoked = errors.New("the token was revoked")
	// ErrElsewhere is for the owner's token, which does not travel.
	ErrElsewhere = errors.New("the owner's token is good on the server's own machine only")
)

// Keyring holds all tokens. Its methods may be called at once by many; finding one takes no lock.
type Keyring struct {
	mu   sync.Mutex
	keys atomic.Pointer[map[string]*key]
	// good is how many tokens are not revoked. One that has expired counts: a house does not open its doors
	// because a key has rusted.
	good  atomic.Int64
	owner key
}

// key is a token at a revision of its document.
type key struct {
	Token
	revision uint64
	grant    *Grant
	// used outlives the revision: it is shared with the key that takes this one's place.
	used *atomic.Int64
}

// NewKeyring makes a keyring that knows the data folder's own secret only; "" knows nobody.
func NewKeyring(owner string) *Keyring {
	k := &Keyring{owner: newKey(Token{ID: OwnerID, Name: OwnerID, Role: Admin, Hash: Hash(owner)}, 0)}
	if owner == "" {
		k.owner.RevokedMS = 1
	}
	k.keys.Store(&map[string]*key{})
	return k
}

func newKey(t Token, revision uint64) key {
	used := new(atomic.Int64)
	used.Store(t.UsedMS)
	return key{Token: t, revision: revision, grant: newGrant(t), used: used}
}

// Put takes in a token at a revision; an older one is ignored.
func (k *Keyring) Put(t Token, revision uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	next := newKey(t, revision)
	if old := (*k.keys.Load())[t.ID]; old != nil {
		if old.revision >= revision {
			return
		}
		next.used = old.used
		if t.UsedMS > old.used.Load() {
			next.used.Store(t.UsedMS)
		}
	}
	keys := maps.Clone(*k.keys.Load())
	keys[t.ID] = &next
	good := int64(0)
	for _, key := range keys {
		if key.RevokedMS == 0 {
			good++
		}
	}
	k.keys.Store(&keys)
	k.good.Store(good)
}

// Empty says that there is no token, or all are revoked.
func (k *Keyring) Empty() bool { return k.good.Load() == 0 }

// Find answers what a token may do at a time, and remembers that it was used.
func (k *Keyring) Find(token string, nowMS int64) (*Grant, error) {
	found := (*k.keys.Load())[idOf(token)]
	if idOf(token) == OwnerID {
		found = &k.owner
	}
	if found == nil {
		return nil, ErrUnknown
	}
	hash := Hash(token)
	switch {
	case subtle.ConstantTimeCompare(hash[:], found.Hash[:]) != 1:
		return nil, ErrUnknown
	case found.RevokedMS > 0:
		return nil, ErrRevoked
	case found.ExpiresMS > 0 && found.ExpiresMS <= nowMS:
		return nil, ErrExpired
	}
	found.used.Store(nowMS)
	return found.grant, nil
}

// Get answers a token and its document's revision.
func (k *Keyring) Get(id string) (t Token, revision uint64, ok bool) {
	found := (*k.keys.Load())[id]
	if found == nil {
		return Token{}, 0, false
	}
	return found.now(), found.revision, true
}

// List answers the tokens that are not revoked, the newest first.
func (k *Keyring) List() []Token {
	var out []Token
	for _, key := range *k.keys.Load() {
		if key.RevokedMS == 0 {
			out = append(out, key.now())
		}
	}
	slices.SortFunc(out, func(a, b Token) int {
		return cmp.Or(cmp.Compare(b.CreatedMS, a.CreatedMS), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// Stale lists the tokens that were used more than afterMS later than their documents say.
func (k *Keyring) Stale(afterMS int64) []Token {
	var out []Token
	for _, key := range *k.keys.Load() {
		if key.RevokedMS == 0 && key.used.Load() > key.UsedMS+afterMS {
			out = append(out, key.now())
		}
	}
	return out
}

func (k *key) now() Token {
	t := k.Token
	t.UsedMS = k.used.Load()
	return t
}
