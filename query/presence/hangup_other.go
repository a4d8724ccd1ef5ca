//go:build !linux

package presence

import "syscall"

// hungUp peeks: an end without bytes before it reads as nothing.
func hungUp(fd int) bool {
	n, _, err := syscall.Recvfrom(fd, make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	return n == 0 && err == nil || err == syscall.ECONNRESET
}
