namespace TwoTower.Core;

/// <summary>
/// Something given from outside (a file, an option, a request, a database's state) cannot be used. The message names the input,
/// the value and the remedy in one line; the command line prints it and exits with 2, the API answers a problem document.
/// </summary>
public class InputException : Exception
{
    /// <summary>Creates the error with its one-line message.</summary>
    public InputException(string message) : base(message) { }

    /// <summary>Creates the error with its one-line message and what caused it.</summary>
    public InputException(string message, Exception innerException) : base(message, innerException) { }

    /// <summary>The row that it is about: its table, and what the first column has, the key in <c>profiles</c> and <c>videos</c>.</summary>
    internal (string Table, string Id)? Row { get; init; }
}
