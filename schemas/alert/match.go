package alert

import "strings"

// IsPattern says whether a rule's metric stands for more than one name.
func IsPattern(metric string) bool { return metric == "" || strings.Contains(metric, "*") }

// Match says whether a name is one of those that a pattern stands for: * is any text, "" is every name.
// The time is bounded by the product of the lengths.
func Match(pattern, name string) bool {
	if pattern == "" {
		return true
	}
	first, rest, found := strings.Cut(pattern, "*")
	if !found {
		return pattern == name
	}
	name, ok := strings.CutPrefix(name, first)
	if !ok {
		return false
	}
	parts := strings.Split(rest, "*")
	last := len(parts) - 1
	for _, part := range parts[:last] {
		i := strings.Index(name, part)
		if i < 0 {
			return false
		}
		name = name[i+len(part):]
	}
	return strings.HasSuffix(name, parts[last])
}
