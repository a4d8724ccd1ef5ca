package access_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/cmd/access"
)

func TestCredentialsComeInMLflowsTwoForms(t *testing.T) {
	basic := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	for header, want := range map[string]string{
		"Bearer sg_a_b":     "sg_a_b",
		"bearer  sg_a_b ":   "sg_a_b",
		basic("ada:sg_a_b"): "sg_a_b",
		basic(":sg_a_b"):    "sg_a_b",
		basic("sg_a_b:"):    "sg_a_b",
		basic("sg_a_b"):     "sg_a_b",
		basic("a:b:c"):      "b:c",
		"Basic !!!":         "!!!",
		"Digest x":          "Digest x",
	} {
		if got := access.Credential(header); got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
	}
}

func ring(tokens ...access.Token) *access.Keyring {
	k := access.NewKeyring("sg_owner_x")
	for i, t := range tokens {
		k.Put(t, uint64(i+1))
	}
	return k
}

func TestOnlyTheWholeTokenInItsTimeLetsIn(t *testing.T) {
	id, token := access.Draw()
	other, second := access.Draw()
	k := ring(
		access.Token{ID: id, Name: "ci", Role: access.Write, Hash: access.Hash(token), ExpiresMS: 100},
		access.Token{ID: other, Name: "old", Role: access.Read, Hash: access.Hash(second), RevokedMS: 1})
	for _, tt := range []struct {
		name, token string
		now         int64
		want        error
	}{
		{"the token", token, 99, nil},
		{"at its end", token, 100, access.ErrExpired},
		{"a letter less", token[:len(token)-1], 1, access.ErrUnknown},
		{"another's secret", "sg_" + id + strings.TrimPrefix(second, "sg_"+other), 1, access.ErrUnknown},
		{"revoked", second, 1, access.ErrRevoked},
		{"the owner's", "sg_owner_x", 1, nil},
		{"not the owner's", "sg_owner_y", 1, access.ErrUnknown},
		{"nothing", "", 1, access.ErrUnknown},
		{"no token", "hunter2", 1, access.ErrUnknown},
	} {
		grant, err := k.Find(tt.token, tt.now)
		if !errors.Is(err, tt.want) || (err == nil) == (grant == nil) {
			t.Errorf("%s: %v, %v; want %v", tt.name, grant, err, tt.want)
		}
	}
	if _, err := access.NewKeyring("").Find("sg_owner_", 1); err == nil {
		t.Error("an empty owner's token lets in")
	}
	if len(token) < 60 || token == second {
		t.Errorf("drew %s and %s", token, second)
	}
}

func TestAHouseStaysClosedUntilItsLastKeyIsRevoked(t *testing.T) {
	k := ring()
	if !k.Empty() {
		t.Fatal("a new keyring is not empty")
	}
	k.Put(access.Token{ID: "a", ExpiresMS: 1}, 1)
	if k.Empty() {
		t.Error("an expired token opens the house")
	}
	k.Put(access.Token{ID: "a", RevokedMS: 5}, 2)
	k.Put(access.Token{ID: "a", ExpiresMS: 1}, 1) // an older revision comes late
	if !k.Empty() || len(k.List()) != 0 {
		t.Error("a revoked token still counts")
	}
}

func TestUsesAreRememberedAndWrittenSeldom(t *testing.T) {
	const hour = 3_600_000
	id, token := access.Draw()
	doc := access.Token{ID: id, Name: "ci", Role: access.Read, Hash: access.Hash(token)}
	k := ring(doc)
	for _, now := range []int64{1, hour / 2, hour} {
		if _, err := k.Find(token, now); err != nil {
			t.Fatal(err)
		}
	}
	if got := k.List()[0].UsedMS; got != hour || len(k.Stale(hour)) != 0 {
		t.Errorf("used at %d, stale %v", got, k.Stale(hour))
	}
	_, _ = k.Find(token, hour+1)
	stale := k.Stale(hour)
	if len(stale) != 1 || stale[0].UsedMS != hour+1 {
		t.Fatalf("stale %v", stale)
	}
	doc.UsedMS = stale[0].UsedMS
	_, _ = k.Find(token, hour+7) // while it is being written
	k.Put(doc, 9)
	if got := k.List()[0].UsedMS; got != hour+7 || len(k.Stale(hour)) != 0 {
		t.Errorf("after writing: used at %d, stale %v", got, k.Stale(hour))
	}
}

func TestAScopeIsIdsAndNames(t *testing.T) {
	s := access.Scope{IDs: []string{"3"}, Names: []string{"wine"}}
	for _, tt := range []struct {
		id, name string
		want     bool
	}{{"3", "renamed", true}, {"9", "wine", true}, {"4", "3", false}, {"", "", false}} {
		if got := s.Sees(tt.id, tt.name); got != tt.want {
			t.Errorf("%q %q: %v", tt.id, tt.name, got)
		}
	}
	if all := (access.Scope{}); !all.All() || !all.Sees("4", "x") || s.All() {
		t.Error("a scope of nothing must be all")
	}
}

func TestFailuresAreThrottledPerAddress(t *testing.T) {
	var th access.Throttle
	start := time.Unix(1000, 0)
	fail := func(addr string, at time.Duration) time.Duration {
		return th.Fail(netip.MustParseAddr(addr), start.Add(at))
	}
	for range 10 {
		if wait := fail("10.0.0.1", 0); wait != 0 {
			t.Fatalf("an early failure waits %v", wait)
		}
	}
	if wait := fail("::ffff:10.0.0.1", 20*time.Second); wait != 40*time.Second {
		t.Errorf("the eleventh waits %v, want what is left of the minute", wait)
	}
	if wait := fail("10.0.0.2", 20*time.Second); wait != 0 {
		t.Errorf("another address waits %v", wait)
	}
	if wait := fail("10.0.0.1", 60*time.Second); wait != 0 {
		t.Errorf("a minute later it waits %v", wait)
	}
	for i := range 11 {
		if wait := fail(fmt.Sprintf("fd00::%x", i), 0); (wait > 0) != (i == 10) {
			t.Errorf("address %d of one IPv6 network waits %v", i, wait)
		}
	}
}

func TestThrottleForgetsTheOldestWhenFull(t *testing.T) {
	var th access.Throttle
	addr := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}) }
	start := time.Unix(1000, 0)
	for range 11 {
		th.Fail(addr(0), start)
	}
	for i := 1; i < 4096; i++ {
		th.Fail(addr(i), start.Add(time.Second))
	}
	if wait := th.Fail(addr(0), start.Add(2*time.Second)); wait == 0 {
		t.Error("it forgot one although there was room")
	}
	th.Fail(addr(5000), start.Add(3*time.Second))
	if wait := th.Fail(addr(0), start.Add(4*time.Second)); wait != 0 {
		t.Error("the oldest was not forgotten")
	}
}

func TestOnTheBus(t *testing.T) {
	for _, tt := range []struct {
		token   access.Token
		all, in bool
	}{
		{access.Token{Role: access.Admin}, true, true},
		{access.Token{Role: access.Write}, false, true},
		{access.Token{Role: access.Read}, false, false},
		{access.Token{Role: access.Write, Scope: access.Scope{IDs: []string{"1"}}}, false, false},
	} {
		tt.token.ID, tt.token.Hash = "abc", access.Hash("sg_abc_d")
		grant, err := ring(tt.token).Find("sg_abc_d", 1)
		if err != nil {
			t.Fatal(err)
		}
		if all, in := access.OnBus(grant); all != tt.all || in != tt.in {
			t.Errorf("%+v: %v, %v", tt.token, all, in)
		}
	}
	if all, in := access.OnBus(access.Anonymous()); all || !in {
		t.Errorf("anonymous: %v, %v", all, in)
	}
}
