// Package lineage says what came of what: which nodes and edges each document tells of.
//
//	document -> Of (pure) -> the document's node and its edges -> table lineage, and memory above the watermark
//
// Documents are authoritative and each tells its whole part: a newer revision's edges replace those of the one before,
// and projecting a document again changes nothing. An edge is owned by the node whose document tells of it, which is one
// of its ends but for edges that somebody recorded by hand. An edge of an older revision than its owner's has gone.
//
// A node is a text, KIND:REST. Where the rest has two parts, the separator is escaped in one of them as in an address
// (%2F), and so are control characters and the percent sign everywhere: every name makes a node, and a node one name.
package lineage

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Node names a node of the graph, in the one form that it has.
type Node string

// Kinds of nodes that documents tell of. Others may be recorded by hand.
const (
	KindRun      = "run"
	KindModel    = "model"
	KindVersion  = "version"
	KindEndpoint = "endpoint"
	KindDataset  = "dataset"
	KindSource   = "source"
	KindCommit   = "commit"
	KindProject  = "project"
	KindJob      = "job"
	KindJobRun   = "job-run"
)

// NodeBytesMax bounds a node: a dataset's name has up to 500 characters of four bytes, each escaped at worst.
const NodeBytesMax = 8 << 10

const kindBytesMax = 32

// Run is a run's node; id is 32 hex digits.
func Run(id string) Node { return Node(KindRun + ":" + escape(id, "")) }

// Model is a logged model's.
func Model(id string) Node { return Node(KindModel + ":" + escape(id, "")) }

// Endpoint is that of the record that a version serves somewhere.
func Endpoint(id string) Node { return Node(KindEndpoint + ":" + escape(id, "")) }

// Dataset is what a client called a dataset, at one state of its content.
func Dataset(name, digest string) Node {
	return Node(KindDataset + ":" + escape(name, "") + "@" + escape(digest, "@"))
}

// Commit is a commit, whatever repository holds it.
func Commit(sha string) Node { return Node(KindCommit + ":" + escape(sha, "")) }

// Project is an MLproject by its address.
func Project(address string) Node {
	return Node(KindProject + ":" + escape(WithoutUser(address), ""))
}

// Job is a job as OpenLineage names it.
func Job(namespace, name string) Node {
	return Node(KindJob + ":" + escape(namespace, "/") + "/" + escape(name, ""))
}

// JobRun is one run of a job, by OpenLineage's runId.
func JobRun(id string) Node { return Node(KindJobRun + ":" + escape(id, "")) }

// Version is a version of a registered model. Model is the model's id inside, where names would not stay, and its name
// for people.
func Version(model string, number uint64) Node {
	return Node(KindVersion + ":" + escape(model, "/") + "/" + strconv.FormatUint(number, 10))
}

// Source is the place that data is in: an address, or a path of the machine.
func Source(address string) Node { return Node(KindSource + ":" + escape(place(address), "")) }

// Data is the Source of a dataset as OpenLineage names it, so that a job's output and a run's input meet.
func Data(namespace, name string) Node {
	switch {
	case namespace == "file", strings.HasPrefix(namespace, "file://"):
		return Source("/" + strings.TrimLeft(name, "/"))
	case namespace == "":
		return Source(name)
	}
	return Source(strings.TrimRight(namespace, "/") + "/" + strings.TrimLeft(name, "/"))
}

// place writes the address of one place in one way: paths as file://, Hadoop's names of S3 as S3's, without a last slash,
// and never with a user or password.
func place(address string) string {
	for {
		next := placed(address)
		if next == address {
			return next
		}
		address = next // what one rule takes away may uncover what another is for
	}
}

func placed(address string) string {
	address = strings.TrimSpace(address)
	if path, ok := strings.CutPrefix(address, "file:"); ok {
		address = "/" + strings.TrimLeft(path, "/")
	}
	if strings.HasPrefix(address, "/") {
		address = "file://" + address
	}
	for _, alias := range []string{"s3a://", "s3n://"} {
		if rest, ok := strings.CutPrefix(address, alias); ok {
			address = "s3://" + rest
		}
	}
	if cut := strings.TrimRight(address, "/"); cut != "" && !strings.HasSuffix(cut, ":") {
		address = cut
	}
	return WithoutUser(address)
}

// WithoutUser takes user and password out of an address.
func WithoutUser(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return address
	}
	host, path := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		host = host[i+1:]
	}
	return scheme + "://" + host + path
}

// escape writes control characters, the percent sign and one separator as in an address.
func escape(s, separator string) string {
	clean := true
	for i := range len(s) {
		clean = clean && !escaped(s[i], separator)
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if escaped(s[i], separator) {
			fmt.Fprintf(&b, "%%%02X", s[i])
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func escaped(c byte, separator string) bool {
	return c == '%' || c < ' ' || c == 0x7f || separator != "" && c == separator[0]
}

// unescape undoes escape. A percent sign that begins nothing stands for itself, for people write names as they are.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// Kind is what stands before the first colon.
func (n Node) Kind() string {
	kind, _, _ := strings.Cut(string(n), ":")
	return kind
}

// Text is what stands behind it, as people read it.
func (n Node) Text() string {
	_, rest, _ := strings.Cut(string(n), ":")
	return unescape(rest)
}

// Parts are the two parts of a dataset, a job or a version, unescaped; of other nodes the first is all.
func (n Node) Parts() (first, second string) {
	_, rest, _ := strings.Cut(string(n), ":")
	cut := -1
	switch n.Kind() {
	case KindDataset, KindVersion:
		cut = strings.LastIndexByte(rest, map[bool]byte{true: '@', false: '/'}[n.Kind() == KindDataset])
	case KindJob:
		cut = strings.IndexByte(rest, '/')
	}
	if cut < 0 {
		return unescape(rest), ""
	}
	return unescape(rest[:cut]), unescape(rest[cut+1:])
}

// Parse reads a node as somebody wrote it. The error says what is wrong, for the caller to name the field.
func Parse(s string) (Node, error) {
	kind, rest, ok := strings.Cut(s, ":")
	switch {
	case len(s) > NodeBytesMax:
		return "", fmt.Errorf("a node has at most %d bytes", NodeBytesMax)
	case !utf8.ValidString(s):
		return "", fmt.Errorf("a node is text in UTF-8")
	case !ok || rest == "":
		return "", fmt.Errorf("a node is KIND:NAME, such as run:ID, dataset:NAME@DIGEST or version:NAME/1")
	case !IsKind(kind):
		return "", fmt.Errorf("the kind of a node is lower-case letters, digits and hyphens, at most %d", kindBytesMax)
	}
	first, second := Node(s).Parts()
	if !utf8.ValidString(first) || !utf8.ValidString(second) {
		return "", fmt.Errorf("a node is text in UTF-8, also where it is escaped")
	}
	var n Node
	switch kind {
	case KindDataset:
		if first == "" || !strings.Contains(rest, "@") {
			return "", fmt.Errorf("a dataset is dataset:NAME@DIGEST")
		}
		n = Dataset(first, second)
	case KindJob:
		if first == "" || second == "" {
			return "", fmt.Errorf("a job is job:NAMESPACE/NAME, with / in the namespace as %%2F")
		}
		n = Job(first, second)
	case KindVersion:
		n, ok = ParseVersion(first, second)
		if !ok {
			return "", fmt.Errorf("a version is version:NAME/NUMBER")
		}
	case KindSource:
		n = Source(first)
	case KindProject:
		n = Project(first)
	default:
		n = Node(kind + ":" + escape(first, ""))
	}
	if n.Text() == "" {
		return "", fmt.Errorf("a node has a name")
	}
	if len(n) > NodeBytesMax {
		return "", fmt.Errorf("a node has at most %d bytes", NodeBytesMax)
	}
	return n, nil
}

// ParseVersion makes a version's node of a name or id and a number that is written out.
func ParseVersion(model, number string) (Node, bool) {
	n, err := strconv.ParseUint(number, 10, 64)
	if model == "" || err != nil || n == 0 {
		return "", false
	}
	return Version(model, n), true
}

// IsKind says whether a text may be a kind of nodes or edges.
func IsKind(s string) bool {
	if s == "" || len(s) > kindBytesMax || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
