// gVisor's TCP/IP stack as a contestant of estab's benches.
//
// It serves the same ports over a TUN interface that it makes, and is told the same, as the other
// contestants: see service.go. It says "ready" when it listens and ends when its standard input does.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

// The only interface of the stack.
const nic = 1

// Packets that the kernel holds for the stack.
const queue = 4096

// What the harness asks for.
type options struct {
	plain  bool
	tun    string
	addr   net.IP
	kernel string
	mtu    int
	buffer int
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	options, err := parse(os.Args[1:])
	if err != nil {
		return err
	}
	link, err := open(options)
	if err != nil {
		return err
	}
	if err := configure(options); err != nil {
		return err
	}
	netstack, err := build(options, link)
	if err != nil {
		return err
	}
	for _, port := range ports {
		if err := listen(netstack, options.addr, port); err != nil {
			return err
		}
	}
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// parse reads "serve --stack gvisor --tun ...".
func parse(args []string) (options, error) {
	if len(args) == 0 || args[0] != "serve" {
		return options{}, errors.New("usage: serve --stack gvisor|gvisor-plain --tun ...")
	}
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	name := flags.String("stack", "gvisor", "gvisor, or gvisor-plain for no offload")
	tun := flags.String("tun", "", "name of the interface to be made")
	addr := flags.String("addr", "", "the stack's IPv4 address and prefix length")
	kernel := flags.String("kernel", "", "the kernel's address, with the same prefix")
	mtu := flags.Int("mtu", 1500, "the interface's MTU, in bytes")
	buffer := flags.Int("buffer", 1<<20, "bytes of each connection's buffers, each way")
	flags.Parse(args[1:])
	ip, network, err := net.ParseCIDR(*addr)
	if err != nil {
		return options{}, err
	}
	if ip.To4() == nil {
		return options{}, errors.New("gVisor is used with an IPv4 address")
	}
	prefix, _ := network.Mask.Size()
	return options{
		plain:  *name == "gvisor-plain",
		tun:    *tun,
		addr:   ip.To4(),
		kernel: fmt.Sprintf("%s/%d", *kernel, prefix),
		mtu:    *mtu,
		buffer: *buffer,
	}, nil
}

// configure makes the interface fit for the kernel's side.
func configure(options options) error {
	mtu, queue := strconv.Itoa(options.mtu), strconv.Itoa(queue)
	for _, args := range [][]string{
		{"addr", "add", options.kernel, "dev", options.tun},
		{"link", "set", options.tun, "mtu", mtu, "txqueuelen", queue, "up"},
	} {
		if said, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %v: %s", args, said)
		}
	}
	return nil
}

// build makes the stack: CUBIC, SACK, and buffers that grow from what was asked for.
func build(options options, link stack.LinkEndpoint) (*stack.Stack, error) {
	netstack := stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol},
	})
	most := 4 * options.buffer
	send := tcpip.TCPSendBufferSizeRangeOption{Min: 4096, Default: options.buffer, Max: most}
	receive := tcpip.TCPReceiveBufferSizeRangeOption{Min: 4096, Default: options.buffer, Max: most}
	moderate := tcpip.TCPModerateReceiveBufferOption(true)
	sack := tcpip.TCPSACKEnabled(true)
	cubic := tcpip.CongestionControlOption("cubic")
	for _, option := range []tcpip.SettableTransportProtocolOption{
		&send, &receive, &moderate, &sack, &cubic,
	} {
		if err := netstack.SetTransportProtocolOption(tcp.ProtocolNumber, option); err != nil {
			return nil, errors.New(err.String())
		}
	}
	if err := netstack.CreateNIC(nic, link); err != nil {
		return nil, errors.New(err.String())
	}
	addr := tcpip.ProtocolAddress{
		Protocol:          ipv4.ProtocolNumber,
		AddressWithPrefix: tcpip.Address(options.addr).WithPrefix(),
	}
	if err := netstack.AddProtocolAddress(nic, addr, stack.AddressProperties{}); err != nil {
		return nil, errors.New(err.String())
	}
	netstack.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: nic}})
	return netstack, nil
}
