package write

// Waiting is how many requests are queued.
func (w *Writer) Waiting() int { return len(w.queue) }
