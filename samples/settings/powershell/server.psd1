# The same for PowerShell: a port keeps its file. The sample says how to take it.
@{
    Color    = 'rebeccapurple'
    Greeting = "Hello from server.psd1"
    Cards    = @{
        Numbers = @(4, 5, 0x06)
    }
    Server   = @{
        Name    = 'Settings'
        Threads = 4
        Grace   = 5
        Request = @{ BodySize = 1kb }
        Restart = @{ Times = @('03:30') }
    }
}
