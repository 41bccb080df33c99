# Sends mail by SMTP.
public isolated client class SmtpClient {
    # Opens the connection.
    public isolated function init(string host, *SmtpConfig config) returns Error? {}
    # Sends a message.
    # + message - What to send
    remote isolated function sendMessage(Message message) returns Error? {}
}

# A message of electronic mail.
public type Message record {|
    string[] to;
    string subject;
    string body?;
|};

# Security of the connection.
public type SmtpConfig record {|
    int port = 465;
    Security security = SSL;
|};

# How the connection is secured.
public enum Security { SSL, START_TLS_AUTO }

# Why a message was not sent.
public type Error distinct error;
