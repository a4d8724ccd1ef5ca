package commit

import (
	"container/list"
	"context"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// Entry is a document at a revision. Doc is shared: nobody changes it. Doc nil and Revision 0: there is none.
type Entry struct {
	Doc      *sgpb.Document
	Revision uint64
}

// entryOverheadBytes is what an entry costs beside its document.
const entryOverheadBytes = 512

// Cache keeps decoded documents, those used last. Its methods may be called at once by many.
//
// A document is in the cache at its newest revision, or not at all, as far as this process knows: a commit
// puts what it wrote before it is answered, and a load that was under way meanwhile is not kept.
type Cache struct {
	countMax, bytesMax int

	mu      sync.Mutex
	byKey   map[string]*list.Element
	recent  *list.List // of *cached, last used first
	bytes   int
	loading map[string]*loading
}

type cached struct {
	key   string
	entry Entry
	bytes int
}

type loading struct {
	done  chan struct{}
	entry Entry
	err   error
}

// NewCache makes a cache of at most that many documents and bytes.
func NewCache(countMax, bytesMax int) *Cache {
	return &Cache{countMax: countMax, bytesMax: bytesMax, byKey: make(map[string]*list.Element), recent: list.New(), loading: make(map[string]*loading)}
}

// Get answers a document that is in the cache.
func (c *Cache) Get(key string) (Entry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.get(key)
}

func (c *Cache) get(key string) (Entry, bool) {
	el, ok := c.byKey[key]
	if !ok {
		return Entry{}, false
	}
	c.recent.MoveToFront(el)
	return el.Value.(*cached).entry, true
}

// Put takes in a newer revision. An older one is ignored.
func (c *Cache) Put(key string, e Entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.loading, key) // what is being read may be older
	c.put(key, e)
}

// Refresh is Put for a document that is in the cache or being loaded; others are not let in.
func (c *Cache) Refresh(key string, e Entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.loading, key)
	if _, ok := c.byKey[key]; ok {
		c.put(key, e)
	}
}

// Forget drops a document whose newest revision is not known any more.
func (c *Cache) Forget(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.loading, key)
	if el, ok := c.byKey[key]; ok {
		c.drop(el)
	}
}

func (c *Cache) put(key string, e Entry) {
	if el, ok := c.byKey[key]; ok {
		if el.Value.(*cached).entry.Revision >= e.Revision {
			return
		}
		c.drop(el)
	}
	if e.Doc == nil {
		return
	}
	it := &cached{key: key, entry: e, bytes: 2*proto.Size(e.Doc) + entryOverheadBytes}
	c.byKey[key] = c.recent.PushFront(it)
	c.bytes += it.bytes
	for c.recent.Len() > 1 && (c.bytes > c.bytesMax || c.recent.Len() > c.countMax) {
		c.drop(c.recent.Back())
	}
}

func (c *Cache) drop(el *list.Element) {
	it := el.Value.(*cached)
	c.recent.Remove(el)
	delete(c.byKey, it.key)
	c.bytes -= it.bytes
}

// Load answers a document from the cache, or reads it, once for all who ask meanwhile.
func (c *Cache) Load(ctx context.Context, key string, read func(context.Context) (Entry, error)) (Entry, error) {
	c.mu.Lock()
	if e, ok := c.get(key); ok {
		c.mu.Unlock()
		return e, nil
	}
	l, waiting := c.loading[key]
	if !waiting {
		l = &loading{done: make(chan struct{})}
		c.loading[key] = l
	}
	c.mu.Unlock()
	if waiting {
		select {
		case <-l.done:
			return l.entry, l.err
		case <-ctx.Done():
			return Entry{}, ctx.Err()
		}
	}
	// The others who wait must not fail because this caller leaves; the journal has its own time limit.
	l.entry, l.err = read(context.WithoutCancel(ctx))
	c.mu.Lock()
	if c.loading[key] == l {
		delete(c.loading, key)
		if l.err == nil {
			c.put(key, l.entry)
		}
	}
	c.mu.Unlock()
	close(l.done)
	return l.entry, l.err
}
