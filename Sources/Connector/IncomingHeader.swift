import NIOCore
import Shared

/// Collects the header with which the listener begins a relay's stream, in either protocol.
///
/// Bounded: by the original's fixed size, or by the longest frame of `warp/1`.
struct IncomingHeader {
    private enum Reader {
        case original(ByteBuffer)
        case warp(FrameReader)
    }

    private var reader: Reader

    init(_ applicationProtocol: ApplicationProtocol) {
        reader =
            switch applicationProtocol {
            case .original: .original(ByteBuffer())
            case .warp: .warp(FrameReader())
            }
    }

    /// Takes what arrived.
    ///
    /// - Returns: the target and the visitor's bytes behind the header; nil when more of it has to come.
    /// - Throws: ``RelayRefusal`` when the header cannot be followed.
    mutating func take(_ bytes: ByteBuffer) throws(RelayRefusal) -> (target: TargetAddress, rest: ByteBuffer)? {
        switch reader {
        case .original(var collected):
            reader = .original(ByteBuffer())  // lets go of the buffer, so that it grows in place
            collected.writeImmutableBuffer(bytes)
            guard let header = collected.readSlice(length: OriginalStreamHeader.byteCount) else {
                reader = .original(collected)
                return nil
            }
            return (try Self.originalTarget(header), collected)
        case .warp(var frames):
            frames.append(bytes)
            defer { reader = .warp(frames) }
            guard let target = try Self.warpTarget(&frames) else { return nil }
            return (target, frames.takeRest())
        }
    }

    private static func originalTarget(_ bytes: ByteBuffer) throws(RelayRefusal) -> TargetAddress {
        do throws(OriginalStreamHeaderError) {
            return try OriginalStreamHeader(decoding: bytes).target
        } catch {
            throw RelayRefusal(.malformedHeader, "malformed header: \(error)")
        }
    }

    private static func warpTarget(_ frames: inout FrameReader) throws(RelayRefusal) -> TargetAddress? {
        do throws(WarpCodingError) {
            return try frames.next().map { frame throws(WarpCodingError) in try RelayHeader(frame).target }
        } catch {
            if case .unsupportedRelayKind = error {
                throw RelayRefusal(.unsupportedKind, "\(error)")
            }
            throw RelayRefusal(.malformedHeader, "malformed header: \(error)")
        }
    }
}

/// Why the connector does not make a relay of a stream.
struct RelayRefusal: Error, Hashable, Sendable {
    let status: RelayStatus
    /// One line for a person.
    let detail: String

    init(_ status: RelayStatus, _ detail: String) {
        self.status = status
        self.detail = detail
    }
}
