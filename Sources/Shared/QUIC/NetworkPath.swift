internal import CQuic
package import NIOCore

/// The two addresses between which datagrams run (RFC 9000 §9).
///
/// Owns a copy of both in the form that ngtcp2 reads, at an address that does not move, so that a received batch costs
/// no conversion. Confined to one event loop.
package final class NetworkPath {
    package let local: SocketAddress
    package let remote: SocketAddress

    let storage: UnsafeMutablePointer<ngtcp2_path_storage>

    /// - Parameters:
    ///   - local: the address that datagrams of this path reach us at; a wildcard where it is not known.
    ///   - remote: the peer's address.
    package init(local: SocketAddress, remote: SocketAddress) {
        self.local = local
        self.remote = remote
        storage = .allocate(capacity: 1)
        local.withSockAddr { localPointer, localLength in
            remote.withSockAddr { remotePointer, remoteLength in
                ngtcp2_path_storage_init(
                    storage,
                    localPointer,
                    ngtcp2_socklen(localLength),
                    remotePointer,
                    ngtcp2_socklen(remoteLength),
                    nil
                )
            }
        }
    }

    /// Whether it runs between the same addresses as `other`, in ngtcp2's eyes: a scope is no part of an address.
    func hasAddresses(of other: NetworkPath) -> Bool {
        ngtcp2_path_eq(pointer, other.pointer) != 0
    }

    deinit {
        storage.deallocate()
    }

    var pointer: UnsafePointer<ngtcp2_path> {
        UnsafePointer(UnsafeMutableRawPointer(storage).assumingMemoryBound(to: ngtcp2_path.self))
    }
}

@available(*, unavailable)
extension NetworkPath: Sendable {}
