package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"github.com/ebitengine/purego"
)

const (
	// stopTimeout is how long the engine gets to end once standard input ended; the promise to whoever looks
	// from outside is five seconds.
	stopTimeout = 3 * time.Second
	// lingerTimeout is how long it may wait for clients that keep a connection open. Every acknowledged insert
	// is in its files by then, so ending without them loses nothing.
	lingerTimeout = 500 * time.Millisecond
)

// endless is the query that keeps the engine serving: it uses no CPU and rights that hurt nobody. HTTP comes
// last: who gets an answer there knows that the other port is open too.
const endless = "system start listen tcp; system start listen http; " +
	"select sleepEachRow(1) from system.numbers settings max_block_size=1 format Null"

// Run is the child: it serves until standard input ends, which is the end of the parent. It returns nil
// only if it was asked to end.
func Run(o Options, stdin io.Reader) error {
	lock, err := lockFolder(o)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := sign(lock); err != nil {
		return err
	}
	c, err := LoadCredentials(o.Dir)
	if err != nil {
		return err
	}
	if err := writeFiles(o, c); err != nil {
		return err
	}
	// The terminal's Ctrl-C reaches the whole process group. The parent decides when the engine goes.
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	var asked atomic.Bool
	go func() {
		// The pipe carries nothing; only its end matters.
		_, _ = io.Copy(io.Discard, stdin)
		asked.Store(true)
		end(o, c)
	}()
	if err := serve(o); err != nil {
		return err
	}
	if !asked.Load() {
		return errors.New("the engine ended by itself; its reason may stand in " + o.LogFile())
	}
	o.discard()
	return nil
}

// end stops the engine in order if it can and ends the process if it cannot.
func end(o Options, c Credentials) {
	exit := func(status int) func() {
		return func() {
			o.discard()
			os.Exit(status)
		}
	}
	time.AfterFunc(stopTimeout, exit(1))
	for endQuery(o, c) != nil {
		// The ports may not be open yet; the timer above bounds this loop.
		time.Sleep(50 * time.Millisecond)
	}
	time.AfterFunc(lingerTimeout, exit(0))
}

// serve loads the library and blocks in it.
func serve(o Options) error {
	runtime.LockOSThread()
	fn, err := load(o.Library)
	if err != nil {
		return err
	}
	// The first argument is the program's name; without it the config file would be taken for it.
	args := []string{"streamgauge", "--config-file=" + o.configFile(), "--query=" + endless}
	argv := make([]*byte, len(args)+1)
	for i, a := range args {
		argv[i] = &append([]byte(a), 0)[0]
	}
	purego.SyscallN(fn, uintptr(len(args)), uintptr(unsafe.Pointer(&argv[0])))
	runtime.KeepAlive(argv)
	return nil
}

// load opens the library and finds its command line.
func load(path string) (uintptr, error) {
	lib, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return 0, fmt.Errorf("load the engine: %w", err)
	}
	fn, err := purego.Dlsym(lib, "chdb_query_cmdline")
	if err != nil {
		return 0, fmt.Errorf("%s is not the expected engine: %w", path, err)
	}
	return fn, nil
}

// endQuery ends the endless query, and with it the engine.
// The session that was there from the start has no user name in the list of processes.
func endQuery(o Options, c Credentials) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	_, err := Ask(ctx, o.HTTPListen, AppUser, c.App, "KILL QUERY WHERE user IN ('', 'default') SYNC")
	return err
}
