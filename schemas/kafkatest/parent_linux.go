package kafkatest

import "syscall"

// endsWithParent lets the broker end with the process that started it, whatever way that ends.
func endsWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
