package vault_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/cmd/access"
	"github.com/streamgauge/streamgauge/cmd/vault"
	"github.com/streamgauge/streamgauge/registry"
	"github.com/streamgauge/streamgauge/registry/mem"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

var (
	ctx = context.Background()
	now = time.UnixMilli(1_700_000_000_000)
)

// house is one process with its keyring, on a journal that others may share.
type house struct {
	*vault.Vault
	keys    *access.Keyring
	changes int
}

func open(t *testing.T, j registry.Journal) *house {
	t.Helper()
	h := &house{keys: access.NewKeyring("")}
	v, err := vault.Open(ctx, j, h.keys, slog.New(slog.DiscardHandler), func() { h.changes++ })
	if err != nil {
		t.Fatal(err)
	}
	h.Vault = v
	return h
}

func create(t *testing.T, h *house, w vault.Wish) (string, access.Token) {
	t.Helper()
	secret, token, err := h.Create(ctx, w, "ada", now)
	if err != nil {
		t.Fatal(err)
	}
	return secret, token
}

// observe brings a document to a house as the stream does.
func observe(t *testing.T, h *house, j registry.Journal, id string) {
	t.Helper()
	b, revision, err := j.Load(ctx, document.TokenKey(id))
	doc := new(sgpb.Document)
	if err != nil || proto.Unmarshal(b, doc) != nil {
		t.Fatalf("load %s: %v", id, err)
	}
	h.ObserveDocuments([]feed.Document{{Key: document.TokenKey(id), Revision: revision, Doc: doc}})
}

func TestATokenIsKnownEverywhereAndNoSecretIsKept(t *testing.T) {
	j := new(mem.Journal)
	one, other := open(t, j), open(t, j)
	secret, token := create(t, one, vault.Wish{Role: access.Write, ExpiresMS: now.UnixMilli() + 9})
	if token.Name != token.ID || token.CreatedBy != "ada" {
		t.Errorf("made %+v", token)
	}
	b, _, err := j.Load(ctx, document.TokenKey(token.ID))
	if err != nil || len(b) == 0 || strings.Contains(string(b), secret[len("sg_")+8:]) {
		t.Errorf("the document holds the secret, or nothing: %q, %v", b, err)
	}
	if _, err := other.keys.Find(secret, 1); err == nil {
		t.Fatal("known before it was heard of")
	}
	observe(t, other, j, token.ID)
	later := open(t, j)
	for name, h := range map[string]*house{"made it": one, "heard of it": other, "started later": later} {
		grant, err := h.keys.Find(secret, now.UnixMilli())
		if err != nil || grant.Role != access.Write || grant.ExpiresMS != now.UnixMilli()+9 {
			t.Errorf("who %s: %+v, %v", name, grant, err)
		}
	}
	if _, err := other.Revoke(ctx, token.ID, "bob", now); err != nil {
		t.Fatal(err)
	}
	observe(t, one, j, token.ID)
	for name, h := range map[string]*house{"heard of the end": one, "revoked": other, "started after that": open(t, j)} {
		if _, err := h.keys.Find(secret, 1); err == nil || !h.Empty() {
			t.Errorf("who %s lets it in: %v", name, err)
		}
	}
	if one.changes < 3 || other.changes < 3 {
		t.Errorf("told of %d and %d changes", one.changes, other.changes)
	}
	for n, what := range map[uint64]string{1: "created by ada", 2: "revoked by bob"} {
		b, _, err := j.Load(ctx, document.HistoryKey(document.TokenKey(token.ID), n))
		doc := new(sgpb.Document)
		if err != nil || proto.Unmarshal(b, doc) != nil || doc.GetChange().GetWhat()+" by "+doc.GetChange().GetBy() != what {
			t.Errorf("change %d: %v, %v", n, doc, err)
		}
	}
}

func TestAnotherProcessRevokesWhileAUseIsWritten(t *testing.T) {
	j := new(mem.Journal)
	one, other := open(t, j), open(t, j)
	secret, token := create(t, one, vault.Wish{Name: "ci", Role: access.Read})
	observe(t, other, j, token.ID)
	if _, err := one.keys.Find(secret, now.UnixMilli()); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Revoke(ctx, "ci", "bob", now); err != nil {
		t.Fatal(err)
	}
	one.NoteUses(ctx, time.Minute) // it has not heard of the end
	if _, err := one.keys.Find(secret, 1); err == nil || !open(t, j).Empty() {
		t.Errorf("the use undid the end: %v", err)
	}
}

func TestUsesAreWritten(t *testing.T) {
	j := new(mem.Journal)
	h := open(t, j)
	secret, _ := create(t, h, vault.Wish{Role: access.Read})
	if _, err := h.keys.Find(secret, now.UnixMilli()+120_000); err != nil {
		t.Fatal(err)
	}
	h.NoteUses(ctx, time.Hour)
	if got := open(t, j).List()[0].UsedMS; got != now.UnixMilli()+120_000 {
		t.Errorf("the first use: %d", got)
	}
	_, _ = h.keys.Find(secret, now.UnixMilli()+240_000)
	h.NoteUses(ctx, time.Hour)
	if got := open(t, j).List()[0].UsedMS; got != now.UnixMilli()+120_000 {
		t.Errorf("written again within the hour: %d", got)
	}
}

func TestScopesRememberWhatIsThereByID(t *testing.T) {
	j := new(mem.Journal)
	r, err := registry.Open(ctx, j, registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Do(ctx, track.CreateRun{ExperimentName: "wine"}); err != nil { // experiment 1
		t.Fatal(err)
	}
	h := open(t, j)
	_, token := create(t, h, vault.Wish{Role: access.Write, Experiments: []string{"wine", "0", "1", "later"}})
	if s := token.Scope; strings.Join(s.IDs, " ") != "0 1" || strings.Join(s.Names, " ") != "later" {
		t.Errorf("scope %+v", s)
	}
}

func TestWishesThatCannotBe(t *testing.T) {
	h := open(t, new(mem.Journal))
	create(t, h, vault.Wish{Name: "ci", Role: access.Read})
	for name, tt := range map[string]struct {
		wish vault.Wish
		want string
	}{
		"a name twice":         {vault.Wish{Name: "ci", Role: access.Read}, "already"},
		"the owner's name":     {vault.Wish{Name: "owner", Role: access.Read}, "'name'"},
		"a name of two lines":  {vault.Wish{Name: "a\nb", Role: access.Read}, "'name'"},
		"a name without end":   {vault.Wish{Name: strings.Repeat("x", 101), Role: access.Read}, "'name'"},
		"a confined admin":     {vault.Wish{Role: access.Admin, Experiments: []string{"a"}}, "admin"},
		"an experiment by id":  {vault.Wish{Role: access.Read, Experiments: []string{"7"}}, "id=7"},
		"an empty experiment":  {vault.Wish{Role: access.Read, Experiments: []string{""}}, "empty"},
		"an end that has come": {vault.Wish{Role: access.Read, ExpiresMS: now.UnixMilli()}, "past"},
		"too many experiments": {vault.Wish{Role: access.Read, Experiments: make([]string, 101)}, "at most 100"},
		"revoking what is not": {vault.Wish{}, "no token"},
	} {
		var err error
		if tt.wish.Role == 0 {
			_, err = h.Revoke(ctx, "nope", "", now)
		} else {
			_, _, err = h.Create(ctx, tt.wish, "", now)
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) || !track.Permanent(err) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	if len(h.List()) != 1 {
		t.Errorf("left %v", h.List())
	}
}

func TestTheOwnersTokenIsDrawnOnceAndForTheOwnerAlone(t *testing.T) {
	dir := t.TempDir()
	first, err := vault.EnsureOwnerToken(dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := vault.EnsureOwnerToken(dir)
	info, statErr := os.Stat(filepath.Join(dir, vault.OwnerFile))
	if err != nil || statErr != nil || again != first || info.Mode().Perm() != 0o600 {
		t.Errorf("%q then %q, %v %v %v", first, again, info, err, statErr)
	}
	if err := os.Truncate(filepath.Join(dir, vault.OwnerFile), 0); err != nil {
		t.Fatal(err)
	}
	if third, err := vault.EnsureOwnerToken(dir); err != nil || third == "" || third == first {
		t.Errorf("after a crash left it empty: %q, %v", third, err)
	}
}

// A token counts under its own key alone: whoever can write some document can not make himself a token by it.
func TestATokenUnderAnotherKeyIsNone(t *testing.T) {
	h := open(t, new(mem.Journal))
	forged := &sgpb.Token{Id: "abc", Role: sgpb.TokenRole(access.Admin)}
	h.ObserveDocuments([]feed.Document{{Key: "experiment.1", Revision: 9, Doc: &sgpb.Document{Body: &sgpb.Document_Token{Token: forged}}}})
	if !h.keys.Empty() || h.changes > 1 {
		t.Error("it was taken in")
	}
	h.ObserveDocuments([]feed.Document{{Key: document.TokenKey("abc"), Revision: 9, Doc: &sgpb.Document{Body: &sgpb.Document_Token{Token: forged}}}})
	if h.keys.Empty() {
		t.Error("one under its own key was not taken in")
	}
}
