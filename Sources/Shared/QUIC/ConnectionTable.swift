/// Which connection a packet is for: every connection ID that a live connection has issued, and the one that its client
/// chose at first (RFC 9000 §5.2).
///
/// Remembers the last hit: a batch is nearly always for one connection.
struct ConnectionTable<Connection: AnyObject> {
    private var byID: [QUICConnectionID: Connection] = [:]
    private var last: (id: QUICConnectionID, connection: Connection)?

    /// How many IDs are known.
    var count: Int { byID.count }

    /// Every connection, once.
    var connections: [Connection] {
        Array(Dictionary(byID.values.map { (ObjectIdentifier($0), $0) }) { first, _ in first }.values)
    }

    /// The connection that every ID is of; nil when there is none, or more than one.
    var only: Connection? {
        guard let first = byID.values.first, byID.values.allSatisfy({ $0 === first }) else { return nil }
        return first
    }

    mutating func find(_ id: QUICConnectionID) -> Connection? {
        if let last, last.id == id { return last.connection }
        guard let connection = byID[id] else { return nil }
        last = (id, connection)
        return connection
    }

    mutating func insert(_ connection: Connection, for id: QUICConnectionID) {
        byID[id] = connection
        last = nil
    }

    mutating func remove(_ id: QUICConnectionID) {
        byID[id] = nil
        last = nil
    }
}
