package main

import (
	"encoding/binary"
	"io"
	"net"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

const (
	// Echoes what comes, as it comes.
	echoPort = 7001 + iota
	// Reads and discards until the peer has finished, then closes.
	sinkPort
	// Reads a number of bytes, eight of its own in network order, sends as many and closes.
	sourcePort
	// Reads a byte, sends a byte, closes.
	requestPort
	// Accepts and holds.
	idlePort
)

var ports = []uint16{echoPort, sinkPort, sourcePort, requestPort, idlePort}

const (
	// The source's bytes repeat after this many, since the i-th is i % 251: as much memory as the other
	// sources of the bench send from.
	period = block / 251 * 251
	// Bytes read or written at once.
	block = 256 << 10
)

// What all sources send from.
var pattern = func() []byte {
	bytes := make([]byte, period)
	for i := range bytes {
		bytes[i] = byte(i % 251)
	}
	return bytes
}()

// Where all sinks read to: the memory of a reader each is the application's, and not what is measured.
// What comes to lie there is nobody's concern.
var discarded = make([]byte, block)

// listen serves a port for ever.
func listen(netstack *stack.Stack, addr net.IP, port uint16) error {
	here := tcpip.FullAddress{NIC: nic, Addr: tcpip.Address(addr), Port: port}
	listener, err := gonet.ListenTCP(netstack, here, ipv4.ProtocolNumber)
	if err != nil {
		return err
	}
	go func() {
		var held []net.Conn
		for {
			stream, err := listener.Accept()
			switch {
			case err != nil:
				return
			case port == idlePort:
				// Without a goroutine each: what a connection costs is not to be told from that.
				held = append(held, stream)
			default:
				go serve(stream, port)
			}
		}
	}()
	return nil
}

// serve ends a connection when it is over or broken, which is the peer's affair.
func serve(stream net.Conn, port uint16) {
	defer stream.Close()
	switch port {
	case echoPort:
		echo(stream)
	case sinkPort:
		sink(stream)
	case sourcePort:
		source(stream)
	case requestPort:
		var byte [1]byte
		if _, err := stream.Read(byte[:]); err == nil {
			stream.Write(byte[:])
		}
	}
}

func echo(stream net.Conn) {
	bytes := make([]byte, 1024)
	for {
		count, err := stream.Read(bytes)
		if err != nil {
			return
		}
		if _, err := stream.Write(bytes[:count]); err != nil {
			return
		}
	}
}

func sink(stream net.Conn) {
	for {
		if _, err := stream.Read(discarded); err != nil {
			return
		}
	}
}

func source(stream net.Conn) {
	var question [8]byte
	if _, err := io.ReadFull(stream, question[:]); err != nil {
		return
	}
	left, at := binary.BigEndian.Uint64(question[:]), 0
	for left > 0 {
		piece := pattern[at:]
		if left < uint64(len(piece)) {
			piece = piece[:left]
		}
		sent, err := stream.Write(piece)
		if err != nil {
			return
		}
		at = (at + sent) % period
		left -= uint64(sent)
	}
}
