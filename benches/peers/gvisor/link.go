package main

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/bufferv2"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/fdbased"
	"gvisor.dev/gvisor/pkg/tcpip/link/rawfile"
	"gvisor.dev/gvisor/pkg/tcpip/link/stopfd"
	"gvisor.dev/gvisor/pkg/tcpip/link/tun"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

const (
	// Bytes of the header that the kernel puts before a packet, and expects.
	vnetHeader = 10
	// Checksums (TUN_F_CSUM), and TCP over IPv4 in super-segments (TUN_F_TSO4).
	offloads = 1 | 2
	// The longest packet, of which a header of TCP at its longest is taken off.
	superSegment = 1<<16 - 1
	// Packets up to this many bytes are copied, and do not keep a large block of memory.
	small = 2048
)

// open makes the interface.
func open(options options) (stack.LinkEndpoint, error) {
	if options.plain {
		fd, err := tun.Open(options.tun)
		if err != nil {
			return nil, err
		}
		return fdbased.New(&fdbased.Options{FDs: []int{fd}, MTU: uint32(options.mtu)})
	}
	fd, err := openOffloaded(options.tun)
	if err != nil {
		return nil, err
	}
	stop, err := stopfd.New()
	if err != nil {
		return nil, err
	}
	return &link{fd: fd, mtu: uint32(options.mtu), stop: stop}, nil
}

func openOffloaded(name string) (int, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("/dev/net/tun: %w", err)
	}
	request, err := unix.NewIfreq(name)
	if err != nil {
		return -1, err
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		return -1, fmt.Errorf("TUNSETIFF: %w", err)
	}
	if err := unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, offloads); err != nil {
		return -1, fmt.Errorf("TUNSETOFFLOAD: %w", err)
	}
	return fd, nil
}

// link is an interface with super-segments and without checksums: gVisor's own link for file
// descriptors knows these of sockets alone.
type link struct {
	fd         int
	mtu        uint32
	stop       stopfd.StopFD
	dispatcher stack.NetworkDispatcher
}

func (l *link) MTU() uint32                             { return l.mtu }
func (l *link) MaxHeaderLength() uint16                 { return 0 }
func (l *link) LinkAddress() tcpip.LinkAddress          { return "" }
func (l *link) ARPHardwareType() header.ARPHardwareType { return header.ARPHardwareNone }
func (l *link) AddHeader(stack.PacketBufferPtr)         {}
func (l *link) IsAttached() bool                        { return l.dispatcher != nil }
func (l *link) Wait()                                   {}
func (l *link) SupportedGSO() stack.SupportedGSO        { return stack.HostGSOSupported }
func (l *link) GSOMaxSize() uint32                      { return superSegment }

func (l *link) Capabilities() stack.LinkEndpointCapabilities {
	return stack.CapabilityRXChecksumOffload
}

// Attach is called once: the interface stays as long as the process.
func (l *link) Attach(dispatcher stack.NetworkDispatcher) {
	l.dispatcher = dispatcher
	if dispatcher != nil {
		go l.receive()
	}
}

// receive hands on what comes, read to where it stays.
func (l *link) receive() {
	vnet := make([]byte, vnetHeader)
	block := bufferv2.NewViewSize(bufferv2.MaxChunkSize)
	for {
		into := []unix.Iovec{
			rawfile.IovecFromBytes(vnet),
			rawfile.IovecFromBytes(block.AsSlice()),
		}
		count, err := rawfile.BlockingReadvUntilStopped(l.stop.EFD, l.fd, into)
		if err != nil || count < 0 {
			return
		}
		size := count - vnetHeader
		if size <= 0 {
			continue
		}
		view := block
		if size <= small {
			view = bufferv2.NewViewWithData(block.AsSlice()[:size])
		} else {
			view.CapLength(size)
			block = bufferv2.NewViewSize(bufferv2.MaxChunkSize)
		}
		packet := stack.NewPacketBuffer(stack.PacketBufferOptions{
			Payload: bufferv2.MakeWithView(view),
		})
		l.dispatcher.DeliverNetworkPacket(header.IPv4ProtocolNumber, packet)
		packet.DecRef()
	}
}

// WritePackets gives each packet to the kernel in one call.
func (l *link) WritePackets(packets stack.PacketBufferList) (int, tcpip.Error) {
	for sent, packet := range packets.AsSlice() {
		vnet := vnetHeaderOf(packet)
		views := packet.AsSlices()
		var space [8]unix.Iovec
		from := rawfile.AppendIovecFromBytes(space[:0], vnet[:], rawfile.MaxIovs)
		for _, view := range views {
			from = rawfile.AppendIovecFromBytes(from, view, rawfile.MaxIovs)
		}
		if err := rawfile.NonBlockingWriteIovec(l.fd, from); err != nil {
			return sent, err
		}
	}
	return packets.Len(), nil
}

// vnetHeaderOf says what the kernel has to complete: a checksum, and where to cut.
func vnetHeaderOf(packet stack.PacketBufferPtr) (vnet [vnetHeader]byte) {
	const needsChecksum, tcpOverIPv4 = 1, 1
	gso := packet.GSOOptions
	if gso.Type == stack.GSONone {
		return vnet
	}
	if gso.NeedsCsum {
		vnet[0] = needsChecksum
		binary.LittleEndian.PutUint16(vnet[6:], gso.L3HdrLen)
		binary.LittleEndian.PutUint16(vnet[8:], gso.CsumOffset)
	}
	binary.LittleEndian.PutUint16(vnet[2:], uint16(packet.HeaderSize()))
	if packet.Data().Size() > int(gso.MSS) {
		vnet[1] = tcpOverIPv4
		binary.LittleEndian.PutUint16(vnet[4:], gso.MSS)
	}
	return vnet
}
