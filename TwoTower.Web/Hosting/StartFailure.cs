using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;
using TwoTower.Core;

namespace TwoTower.Web.Hosting;

/// <summary>Why a start failed, for a person.</summary>
public static class StartFailure
{
    /// <summary>One line with the reason and the remedy; null when it is none that a person can change.</summary>
    public static string? Explain(Exception failure) => failure switch
    {
        InputException input => input.Message,
        OptionsValidationException options => $"A setting can't be used: {string.Join(" ", options.Failures)}",
        IOException { InnerException: AddressInUseException } taken =>
            $"{taken.Message.TrimEnd('.')}: stop what listens there, or choose another address with --urls http://127.0.0.1:PORT.",
        _ => null,
    };
}
