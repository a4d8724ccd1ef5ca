package access

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// failuresMax wrong tokens in failureWindow are a mistake, more are an attempt, or a program that does not
	// look at its answers.
	failuresMax   = 10
	failureWindow = time.Minute
	// addressesMax bounds what is remembered, some 400 KiB.
	addressesMax = 4096
	// siteBits of an IPv6 address belong to one house.
	siteBits = 64
)

// Throttle counts failed logins per address. It is safe for concurrent use.
type Throttle struct {
	mu   sync.Mutex
	seen map[netip.Addr]failures
}

type failures struct {
	count int
	began time.Time
}

// Fail notes a failed login and says how long the address must wait, 0 if it may try again at once. A right
// token is never kept waiting: many may come from one address.
func (t *Throttle) Fail(from netip.Addr, now time.Time) time.Duration {
	from = house(from)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen == nil {
		t.seen = make(map[netip.Addr]failures)
	}
	f, known := t.seen[from]
	if !known {
		t.makeRoom(now)
	}
	if now.Sub(f.began) >= failureWindow {
		f = failures{began: now}
	}
	f.count++
	t.seen[from] = f
	if f.count <= failuresMax {
		return 0
	}
	return f.began.Add(failureWindow).Sub(now)
}

func house(a netip.Addr) netip.Addr {
	a = a.Unmap()
	if !a.Is6() {
		return a
	}
	p, err := a.Prefix(siteBits)
	if err != nil {
		return a
	}
	return p.Addr()
}

// makeRoom forgets what is over, else the oldest.
func (t *Throttle) makeRoom(now time.Time) {
	if len(t.seen) < addressesMax {
		return
	}
	var oldest netip.Addr
	first := now
	for a, f := range t.seen {
		if now.Sub(f.began) >= failureWindow {
			delete(t.seen, a)
		} else if !f.began.After(first) {
			oldest, first = a, f.began
		}
	}
	if len(t.seen) >= addressesMax {
		delete(t.seen, oldest)
	}
}
