import NIOCore
import Shared
import Testing

/// Checks what every decoder makes of members that are missing, there twice, unknown or not of their form.
struct WarpMemberDamage<Message: Equatable> {
    let decode: (Frame) throws -> Message

    /// - Parameters:
    ///   - message: what `bytes` mean.
    ///   - optional: the keys of the members that may be missing.
    func check(_ message: Message, _ bytes: ByteBuffer, optional: Set<UInt64> = []) throws {
        let frame = try WarpSamples.frame(bytes)
        let members = try WarpSamples.members(of: frame)
        #expect(try decode(frame) == message)
        for index in members.indices {
            let member = members[index]
            var without = members
            without.remove(at: index)
            if !optional.contains(member.key) {
                expect(.missingMember(key: member.key), frame.type, without)
            }
            for other in 0...members.count {
                var twice = members
                twice.insert(member, at: other)
                expect(.duplicateMember(key: member.key), frame.type, twice)
            }
            // One byte more than any member may have.
            let tooLong = WarpSamples.Member(key: member.key, value: [UInt8](repeating: 0x61, count: 513))
            #expect(throws: WarpCodingError.self) {
                try decode(WarpSamples.frame(type: frame.type, without + [tooLong]))
            }
        }
        for other in 0...members.count {
            var strange = members
            strange.insert(WarpSamples.Member(key: 100, value: Array(repeating: 0xff, count: 300)), at: other)
            strange.insert(WarpSamples.Member(key: 0, value: []), at: 0)
            #expect(try decode(WarpSamples.frame(type: frame.type, strange)) == message)
        }
        #expect(try decode(WarpSamples.frame(type: frame.type, members.reversed())) == message)
        for count in 0..<frame.payload.readableBytes {
            let part = try #require(frame.payload.getSlice(at: frame.payload.readerIndex, length: count))
            // A part may be a message, where what is missing is optional, but never the same one.
            let decoded = Result { try decode(Frame(type: frame.type, payload: part)) }
            switch decoded {
            case .success(let other): #expect(other != message && !optional.isEmpty)
            case .failure(let error): #expect(error is WarpCodingError)
            }
        }
    }

    private func expect(_ error: WarpCodingError, _ type: UInt64, _ members: [WarpSamples.Member]) {
        #expect(throws: error) { try decode(WarpSamples.frame(type: type, members)) }
    }
}
