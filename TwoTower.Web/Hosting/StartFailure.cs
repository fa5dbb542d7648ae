using Microsoft.AspNetCore.Connections;
using TwoTower.Core;
using TwoTower.ServiceDefaults;

namespace TwoTower.Web.Hosting;

/// <summary>Why a start failed, for a person.</summary>
internal static class StartFailure
{
    /// <summary>One line with the reason and the remedy; null when it is none that a person can change.</summary>
    public static string? Explain(Exception failure) => failure switch
    {
        InputException input => input.Message,
        IOException { InnerException: AddressInUseException } taken =>
            $"{taken.Message.TrimEnd('.')}: stop what listens there, or choose another address with --urls http://127.0.0.1:PORT.",
        IOException { InnerException: { } inner } when SettingFault.Explain(inner) is { } line => line,
        _ => SettingFault.Explain(failure),
    };
}
