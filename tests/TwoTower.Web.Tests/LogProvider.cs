using Microsoft.Extensions.Logging;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>Keeps the lines of all loggers of a host.</summary>
internal sealed class LogProvider : ILoggerProvider
{
    public LogLines Lines { get; } = new();

    public ILogger CreateLogger(string categoryName) => Lines;

    public void Dispose()
    {
    }
}
