import Glibc
import TestSupport
import Testing

@Suite("NetworkNamespace", .networks, .endToEnd)
struct NetworkNamespaceTests {
    @Test func aProgramInsideSeesOnlyItsOwnInterfaces() throws {
        let network = try NetworkNamespace()
        let process = try DaemonProcess(path: "/bin/ls", arguments: ["/sys/class/net"], network: network)
        try process.expectExit(0)
        #expect(process.outputLines == ["lo"])
    }

    @Test func aProgramInsideHasThePidAndGetsTheSignals() throws {
        let network = try NetworkNamespace()
        let process = try DaemonProcess(
            path: "/bin/sh",
            arguments: ["-c", "echo $$; exec sleep 600"],
            workingDirectory: "/usr/bin",
            network: network
        )
        #expect(try process.waitForOutput(prefix: "") == "\(process.pid)")
        process.terminate()
        #expect(try process.waitForExit() == .signalled(SIGTERM))
    }

    @Test func theDeathSignalReachesAProgramInside() throws {
        let network = try NetworkNamespace()
        // PR_GET_PDEATHSIG is 2.
        let script = """
            import ctypes
            number = ctypes.c_int()
            ctypes.CDLL(None).prctl(2, ctypes.byref(number))
            print(number.value)
            """
        let process = try DaemonProcess(path: "/usr/bin/python3", arguments: ["-c", script], network: network)
        try process.expectExit(0)
        #expect(process.outputLines == ["\(SIGKILL)"])
    }

    @Test func aLinkReachesTheTestsUnderEachOfItsAddresses() throws {
        let network = try NetworkNamespace()
        let link = try network.link()
        let acceptor = try TCPAcceptor(on: HostPort(host: link.outerAddress, port: 0))
        for _ in 0..<2 {
            let script = """
                import socket
                connection = socket.create_connection(("\(link.outerAddress)", \(acceptor.endpoint.port)))
                print(connection.getsockname()[0])
                """
            let process = try DaemonProcess(path: "/usr/bin/python3", arguments: ["-c", script], network: network)
            try process.expectExit(0)
            #expect(process.outputLines == [link.innerAddress])
            try link.goDown()
            try link.goUp()
            try link.changeInnerAddress()
        }
    }

    @Test func anEndedTestLeavesNothingBehind() throws {
        let (name, address) = try TestLifetime.untilLastUse {
            let network = try NetworkNamespace()
            return (network.name, try network.link().outerAddress)
        }
        #expect(access("/run/netns/" + name, F_OK) == -1)
        #expect(throws: SocketError.self) { try TCPAcceptor(on: HostPort(host: address, port: 0)) }
    }
}
