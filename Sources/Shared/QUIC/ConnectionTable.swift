/// Which connection a packet is for: every connection ID that a live connection has issued, and the one that its client
/// chose at first (RFC 9000 §5.2).
///
/// Remembers the last hit: a batch is nearly always for one connection.
struct ConnectionTable<Connection: AnyObject> {
    private var connections: [QUICConnectionID: Connection] = [:]
    private var last: (id: QUICConnectionID, connection: Connection)?

    var count: Int { connections.count }

    mutating func find(_ id: QUICConnectionID) -> Connection? {
        if let last, last.id == id { return last.connection }
        guard let connection = connections[id] else { return nil }
        last = (id, connection)
        return connection
    }

    mutating func insert(_ connection: Connection, for id: QUICConnectionID) {
        connections[id] = connection
        last = nil
    }

    mutating func remove(_ id: QUICConnectionID) {
        connections[id] = nil
        last = nil
    }
}
