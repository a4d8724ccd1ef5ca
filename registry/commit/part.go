package commit

// singlesMax is how many documents are written as messages of their own, each synced by itself in some 0.25 ms;
// beyond it one atomic batch for all, some 5 ms, is cheaper (BenchmarkAppend in registry/nats).
const singlesMax = 16

// part is a set of documents that must be written together, and the commands that rest on it.
type part struct {
	keys     []string
	requests []*request
}

// parts divides the dirty documents: two of them are in the same part if a command has touched both, directly
// or over others. Commands that touch no dirty document make a part without keys. Everything that needs an
// atomic batch shares one.
func (o *overlay) parts(placed []*request) []part {
	groups := o.groups(placed)
	var together part
	var singles, out []part
	for _, p := range groups {
		switch {
		case len(p.keys) == 0:
			out = append(out, p)
		case len(p.keys) == 1 && o.slots[p.keys[0]].messages == 1:
			singles = append(singles, p)
		default:
			together.add(p)
		}
	}
	if len(singles) > singlesMax {
		for _, p := range singles {
			together.add(p)
		}
		singles = nil
	}
	if len(together.keys) > 0 {
		out = append(out, together)
	}
	return append(out, singles...)
}

func (p *part) add(other part) {
	p.keys = append(p.keys, other.keys...)
	p.requests = append(p.requests, other.requests...)
}

// groups finds the connected documents and keeps the order in which they were first changed.
func (o *overlay) groups(placed []*request) []part {
	parent := make(map[string]string, len(o.dirty))
	var root func(string) string
	root = func(key string) string {
		if parent[key] == key {
			return key
		}
		parent[key] = root(parent[key])
		return parent[key]
	}
	for _, key := range o.dirty {
		parent[key] = key
	}
	first := make([]string, len(placed))
	for i, q := range placed {
		for _, key := range q.touched {
			if parent[key] == "" {
				continue // read and not written by anybody
			}
			if first[i] == "" {
				first[i] = key
			}
			parent[root(key)] = root(first[i])
		}
	}
	at := make(map[string]int, len(o.dirty))
	var out []part
	index := func(of string) int {
		i, ok := at[of]
		if !ok {
			i = len(out)
			at[of] = i
			out = append(out, part{})
		}
		return i
	}
	for _, key := range o.dirty {
		p := &out[index(root(key))]
		p.keys = append(p.keys, key)
	}
	for i, q := range placed {
		of := ""
		if first[i] != "" {
			of = root(first[i])
		}
		p := &out[index(of)]
		p.requests = append(p.requests, q)
	}
	return out
}
