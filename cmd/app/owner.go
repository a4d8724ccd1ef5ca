package app

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// PortOwner names the process that listens on a TCP port, as "postgres (process id 812)". It is empty where
// the system does not say: other users' processes, and systems without /proc.
func PortOwner(port uint16) string {
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		f, err := os.Open(table)
		if err != nil {
			continue
		}
		inode := listenInode(bufio.NewScanner(f), port)
		_ = f.Close()
		if inode == "" {
			continue
		}
		if pid := socketOwner(inode); pid != "" {
			return fmt.Sprintf("%s (process id %s)", command(pid), pid)
		}
	}
	return ""
}

// listenInode finds the socket that listens on a port in a table of /proc/net.
func listenInode(lines *bufio.Scanner, port uint16) string {
	const (
		localColumn, stateColumn, inodeColumn = 1, 3, 9
		listening                             = "0A"
	)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) <= inodeColumn || f[stateColumn] != listening {
			continue
		}
		_, hex, _ := strings.Cut(f[localColumn], ":")
		if n, err := strconv.ParseUint(hex, 16, 16); err == nil && uint16(n) == port {
			return f[inodeColumn]
		}
	}
	return ""
}

func socketOwner(inode string) string {
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return ""
	}
	for _, l := range links {
		if target, err := os.Readlink(l); err == nil && target == "socket:["+inode+"]" {
			return strings.Split(l, "/")[2]
		}
	}
	return ""
}

// command is a process's program and subcommand, which is as much as a line needs.
func command(pid string) string {
	b, err := os.ReadFile("/proc/" + pid + "/cmdline")
	if err != nil || len(b) == 0 {
		return "a process"
	}
	args := strings.Split(strings.TrimRight(string(b), "\x00"), "\x00")
	name := filepath.Base(args[0])
	if len(args) > 1 && !strings.HasPrefix(args[1], "-") {
		name += " " + filepath.Base(args[1])
	}
	return name
}
